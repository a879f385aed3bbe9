"""What a network can carry at most, and how many senders a rate needs: arithmetic, before anything is sent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lab.errors import UsageError
from lab.networks import load_network

# Go-ethereum keeps 64 transactions of one account behind a gap, and 16 executable ones for certain; a node that is
# configured for it keeps more. 64 in flight per account is what a sender can rely on not being thrown out.
IN_FLIGHT_MAX = 64
# Accepted in one block's time, mined at its end, and seen a moment later.
BLOCKS_IN_FLIGHT = 2.0
OPERATORS_MIN = 8
MAIN_NETWORKS = ("ethereum", "polygon", "arbitrum", "optimism", "base")


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most calls a second that fit into a chain's blocks."""

    chain: str
    network: str
    gas_limit: int
    gas_per_call: int
    block_time_ms: int
    synthetic: bool

    @property
    def tps(self) -> float:
        """Calls a second: whole calls a block, blocks a second."""
        return (self.gas_limit // self.gas_per_call) * 1000 / self.block_time_ms

    def __str__(self) -> str:
        return (
            f"{self.chain}: at most {self.tps:,.0f} calls a second ({self.gas_limit:,} gas a block / "
            f"{self.gas_per_call:,} gas a call, a block every {self.block_time_ms / 1000:g} s)"
        )


def network_ceilings(gas_per_call: int) -> tuple[Ceiling, ...]:
    """Those of the main networks, for a call of so much gas."""
    profiles = [load_network(name) for name in MAIN_NETWORKS]
    return tuple(Ceiling(p.name, p.name, p.gas_limit, gas_per_call, p.block_time_ms, False) for p in profiles)


def operators_needed(peak_tps: float, block_time_ms: int) -> int:
    """How many accounts of one chain can have that rate in flight."""
    in_flight = peak_tps * max(1.0, block_time_ms / 1000) * BLOCKS_IN_FLIGHT
    return max(1, math.ceil(in_flight / IN_FLIGHT_MAX))


def operators_for(requested: int | str, peak_tps: float, block_time_ms: int, *, chain: str, workers: int) -> int:
    """The number of accounts for one chain: a multiple of the workers, that all have as many. Raises UsageError."""
    needed = operators_needed(peak_tps, block_time_ms)
    if requested == "auto":
        return math.ceil(max(OPERATORS_MIN, needed) / workers) * workers
    assert isinstance(requested, int)
    if requested // workers * workers < needed and requested >= workers:
        raise UsageError(
            f"operators: expected at least {needed} for {peak_tps:,.0f} calls a second on {chain} "
            f"({IN_FLIGHT_MAX} in flight for each account, {BLOCKS_IN_FLIGHT:g} blocks of "
            f"{max(1.0, block_time_ms / 1000):g} s), got {requested}: raise `operators`, or leave it at auto"
        )
    if requested < workers:
        raise UsageError(
            f"operators: expected at least one for each of the {workers} workers, as a sender belongs to one worker; "
            f"got {requested}"
        )
    return requested // workers * workers


def workers_for(requested: int | str, peak_tps: float) -> int:
    """How many Locust processes send: one carries some 2,500 a second."""
    return max(1, math.ceil(peak_tps / 2_500)) if requested == "auto" else int(requested)
