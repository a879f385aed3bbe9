"""Blocks hold less gas, so that transactions wait: congestion."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from lab.chains.mined import Mined
from lab.faults.blocks.base import BlockFault
from lab.faults.context import FaultContext
from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain
from lab.faults.transport.methods import SENDS
from lab.faults.transport.policy import Doubt, Effect
from lab.faults.transport.raw_transaction import decode_raw

SIMULATIONS = frozenset(("eth_call", "eth_estimateGas"))


class GasLimitCut(OnChain):
    """Blocks hold less gas, so that transactions wait."""

    example: ClassVar[str] = "fault: gas_limit_cut\nchain: polygon\ngas_limit: 400000\nfor: 1m"

    fault: Literal["gas_limit_cut"]
    gas_limit: int = Field(ge=21_000, le=10**12, description="block gas limit while the fault lasts")
    room: float | None = Field(
        default=None,
        ge=1,
        le=100,
        description="at least so many times the most gas that a call of the contract has used there so far",
    )


class GasLimitCutFault(BlockFault):
    """Cuts the block gas limit. Activations: blocks that left executable transactions waiting in the pool, refusals.

    A node refuses a transaction that declares more gas than a block holds, and an estimate or a call that needs more:
    one for which the network's own limit were enough was refused by this.
    """

    shows_in = SENDS | SIMULATIONS

    def __init__(self, context: FaultContext, fault_id: str, spec: GasLimitCut) -> None:
        observed = context.chains[spec.chain].observer.observed.values()
        most = max((tx.gas_used for _, tx in observed if tx.calls and tx.status == 1), default=0)
        limit = max(spec.gas_limit, round((spec.room or 0) * most))
        super().__init__(context, spec, gas_limit_cuts=limit, listeners=self._on_block)
        self._most_waiting = self._refused = 0

    @property
    def proof(self) -> str:
        """What waited, and what was not even taken."""
        blocks = self.activations - self._refused
        return (
            f"{blocks} blocks left transactions waiting, {self._most_waiting} at most; "
            f"{self._refused} requests were refused for want of gas"
        )

    def inject(self) -> None:
        """Cut the limit from the next block on; of several cuts the deepest counts."""
        super().inject()
        self._set_limit()

    def heal(self) -> None:
        """Back to what the other cuts leave, or the profile's limit."""
        super().heal()
        self._set_limit()

    def _set_limit(self) -> None:
        self._producer.set_gas_limit(min(self._producer.gas_limit_cuts, default=self._chain.profile.gas_limit))

    def on_request(self, method: str) -> Effect:
        """Look at a transaction when it arrives, at an estimate when it was refused."""
        if method in SENDS:
            return Effect(asks=(self._sent,))
        return Effect(doubts=(Doubt(self._uncut, self._count),))

    def _sent(self, params: list[Any]) -> list[Any]:
        sent = decode_raw(params[0]) if params else None
        if sent is not None and self._producer.gas_limit < sent.gas <= self._chain.profile.gas_limit:
            self._count()
        return params

    def _uncut(self, params: list[Any]) -> list[Any] | None:
        """The same with all the gas of a whole block; None for one that says itself how much gas it has."""
        request = params[0] if params else None
        if not isinstance(request, dict) or request.get("gas") is not None:
            return None
        return [{**request, "gas": hex(self._chain.profile.gas_limit)}, *params[1:]]

    def _count(self) -> None:
        self._refused += 1
        self.activations += 1

    def _on_block(self, mined: Mined) -> None:
        self.activations += mined.waiting > 0
        self._most_waiting = max(self._most_waiting, mined.waiting)


KIND = FaultKind(
    spec=GasLimitCut,
    activate=GasLimitCutFault,
    draw=lambda rng, case: on_chain(
        "gas_limit_cut", rng, case, span_s=(30, 60), early=True, gas_limit=rng.choice((100_000, 150_000, 300_000))
    ),
)
