"""How a network sets the base fee of the next block: integer arithmetic, no clock and no randomness.

Not modelled: the DA footprint that OP Stack chains count as gas used since Jovian; a Polygon producer that departs from
the default target and denominator; the L1 part of Arbitrum's gas. Arbitrum drains its backlogs once a second in Nitro,
here by the millisecond, which smooths the curve within a second and ends at the same value.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.networks.profile import ArbitrumFee, Eip1559Fee, NetworkProfile, PolygonFee

BIPS = 10_000


@dataclass(frozen=True, slots=True)
class FeeState:
    """What a curve remembers beyond the parent block: Arbitrum's gas backlogs, one per target; empty elsewhere."""

    backlogs: tuple[int, ...] = ()


class FeeCurve:
    """The base fees of one running chain. A reorg restores the snapshot taken at the ancestor."""

    def __init__(self, profile: NetworkProfile) -> None:
        self._fee = profile.fee
        targets = profile.fee.targets if isinstance(profile.fee, ArbitrumFee) else ()
        self._state = FeeState((0,) * len(targets))

    def snapshot(self) -> FeeState:
        """The state after the blocks seen so far; a frozen value, safe to keep."""
        return self._state

    def restore(self, state: FeeState) -> None:
        """Go back (or forth) to a snapshot of the same curve; ValueError for one of another network."""
        if len(state.backlogs) != len(self._state.backlogs):
            raise ValueError(
                f"expected a snapshot with {len(self._state.backlogs)} backlogs, got one with {len(state.backlogs)}: "
                "it was taken from another network's curve"
            )
        self._state = state

    def peek(self, parent_base_fee: int, parent_gas_used: int, parent_gas_limit: int, elapsed_ms: int) -> int:
        """The same as `next`, but the curve stays as it is."""
        return self._step(parent_base_fee, parent_gas_used, parent_gas_limit, elapsed_ms)[0]

    def next(self, parent_base_fee: int, parent_gas_used: int, parent_gas_limit: int, elapsed_ms: int) -> int:
        """The base fee in wei of the block that comes `elapsed_ms` after its parent. Call it once a block."""
        base_fee, self._state = self._step(parent_base_fee, parent_gas_used, parent_gas_limit, elapsed_ms)
        return base_fee

    def _step(
        self, parent_base_fee: int, parent_gas_used: int, parent_gas_limit: int, elapsed_ms: int
    ) -> tuple[int, FeeState]:
        fee = self._fee
        if isinstance(fee, Eip1559Fee):
            return eip1559(fee, parent_base_fee, parent_gas_used, parent_gas_limit), self._state
        if isinstance(fee, PolygonFee):
            return polygon(fee, parent_base_fee, parent_gas_used, parent_gas_limit), self._state
        backlogs = drain(fee, self._state.backlogs, parent_gas_used, elapsed_ms)
        return arbitrum(fee, backlogs), FeeState(backlogs)


def towards_target(base_fee: int, gas_used: int, target: int, denominator: int) -> int:
    """One step of EIP-1559 as go-ethereum's CalcBaseFee rounds it: at least 1 wei up, down never below 0."""
    if target < 1 or gas_used == target:
        return base_fee
    if gas_used > target:
        return base_fee + max(1, base_fee * (gas_used - target) // target // denominator)
    return max(0, base_fee - base_fee * (target - gas_used) // target // denominator)


def eip1559(fee: Eip1559Fee, base_fee: int, gas_used: int, gas_limit: int) -> int:
    """Ethereum and the OP Stack; the floor is the OP Stack's minimum base fee (Jovian)."""
    return max(fee.floor_wei, towards_target(base_fee, gas_used, gas_limit // fee.elasticity, fee.denominator))


def polygon(fee: PolygonFee, base_fee: int, gas_used: int, gas_limit: int) -> int:
    """Polygon PoS: the default curve, then the validity bound of PIP-79 around the parent's base fee."""
    unbounded = towards_target(base_fee, gas_used, gas_limit * fee.target_percent // 100, fee.denominator)
    bound = base_fee * fee.step_bound_percent // 100
    return max(fee.floor_wei, min(base_fee + bound, max(base_fee - bound, unbounded)))


def drain(fee: ArbitrumFee, backlogs: tuple[int, ...], gas_used: int, elapsed_ms: int) -> tuple[int, ...]:
    """Every backlog takes the parent's gas, then pays off its target's rate for the time that went by."""
    return tuple(
        max(0, backlog + gas_used - target.gas_per_second * elapsed_ms // 1000)
        for backlog, target in zip(backlogs, fee.targets, strict=True)
    )


def arbitrum(fee: ArbitrumFee, backlogs: tuple[int, ...]) -> int:
    """Arbitrum (ArbOS 51): the floor, times e^x in basis points, x the sum of backlog / (target x window)."""
    exponent = sum(
        backlog * BIPS // (target.gas_per_second * target.window_s)
        for backlog, target in zip(backlogs, fee.targets, strict=True)
    )
    return fee.floor_wei * exponential_bips(exponent) // BIPS


def exponential_bips(exponent: int) -> int:
    """e^x in basis points by the first terms of its series, as Nitro rounds it; 5% too low at x = 2, more beyond."""
    result = BIPS + exponent // 4
    for term in (3, 2, 1):
        result = BIPS + result * exponent // (term * BIPS)
    return result
