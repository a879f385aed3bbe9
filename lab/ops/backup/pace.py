"""How many transactions of a backup are restored together: what a share of the window holds, by the chain's own time.

First from the chain's blocks; then from the chain time that the portion before took, so that a slow chain, endpoint or
machine gets smaller ones before a window is missed. Nothing depends on the wall's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from lab.ops.backup.batching import GAS_OF
from lab.ops.chain import OperatedChain

# Of the window making a portion ready may take this share; the rest is for what nobody foresaw.
SHARE = 1 / 3
PORTION_MAX, GROWTH_MAX = 1_000, 4
# Two full batches: before anything is measured no more is risked.
FIRST = 64
INTERVALS = 10
# Blocks from a call to the sight of it: the one that takes it, and the one in which whoever waits looks.
BLOCKS_A_ROUND = 2


@dataclass(frozen=True, slots=True)
class Blocks:
    """How fast blocks come, in seconds of the chain, and how much gas one has room for."""

    seconds: float
    gas: int


def blocks_of(chain: OperatedChain) -> Blocks:
    """By the latest blocks: the median of their distances, and the profile's where those say nothing.

    A chain without empty blocks goes by its profile. Raises an RpcFailure.
    """
    profile = chain.target.profile
    head = chain.rpc.block("latest") or {}
    number, gas = int(head.get("number", "0x0"), 16), int(head.get("gasLimit") or hex(profile.gas_limit), 16)
    times = [
        int((chain.rpc.block(one) or head)["timestamp"], 16) for one in range(max(0, number - INTERVALS), number + 1)
    ]
    usual = median(after - before for before, after in pairwise(times)) if len(times) > 2 else 0
    planned = profile.block_time_ms / 1000
    return Blocks(float(usual) if profile.mines_empty_blocks and usual > 0 else planned, gas)


class Pace:
    """`size`: of the next portion; `depth`: how many generations of children it may hold; `lead_s`: to buffer it in."""

    def __init__(self, window_s: int, blocks: Blocks, *, lead_s: int, first: int = FIRST) -> None:
        """`first` bounds the first portion, `lead_s` is the least lead."""
        self.window_s, self.blocks, self._least_lead_s = window_s, blocks, lead_s
        self._share_s = window_s * SHARE
        held = max(1, int(self._share_s / blocks.seconds)) * blocks.gas // GAS_OF["resolve_dependency"]
        self.bound = max(1, min(PORTION_MAX, held))
        self.depth = max(1, int(self._share_s / (BLOCKS_A_ROUND * blocks.seconds)))
        self.size = min(first, self.bound)
        self._buffering_s, self._patience = 0.0, 1

    @property
    def margin_s(self) -> int:
        """What is sent now is in a block so much later: a block's time, at most half of the window."""
        return max(1, int(min(self.blocks.seconds, self.window_s / 2)))

    @property
    def lead_s(self) -> int:
        """From now to the timestamp of what is buffered: twice what buffering took so far, and some blocks."""
        needed = 2 * self._buffering_s * self.size + 3 * BLOCKS_A_ROUND * self.blocks.seconds
        return max(self._least_lead_s, int(needed) + 1) * self._patience

    def buffered(self, count: int, took_s: int) -> None:
        """So many were buffered in time: none at all means that more time is needed."""
        if count:
            self._buffering_s, self._patience = took_s / count, 1
        else:
            self._patience *= 2

    def readied(self, count: int, took_s: int) -> None:
        """So many became ready within so many seconds of the chain: the next portion takes its share of the window."""
        if not count:
            self.size = min(self.bound, self.size * GROWTH_MAX)
            return
        fits = int(count * self._share_s / max(took_s, self.blocks.seconds))
        self.size = max(1, min(self.bound, fits, self.size * GROWTH_MAX))

    def __str__(self) -> str:
        """For a plan."""
        return (
            f"in portions of up to {self.bound} transactions, {self.size} at first: making one ready is to take a "
            f"third of the window of {self.window_s} s, with blocks of {self.blocks.gas} gas every "
            f"{self.blocks.seconds:g} s"
        )
