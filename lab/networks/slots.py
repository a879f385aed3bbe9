"""When a chain's blocks appear: every slot is a pure function of (seed, chain, index), so any slot can be asked for.

Nothing is stored and nothing is drawn in sequence: a run that looks at slots in another order sees the same chain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from lab.networks.profile import NetworkProfile

DRAW = 2**64


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one block. `t_ms`: ms from genesis to its appearance; `timestamp`: the block's own, unix seconds."""

    index: int
    t_ms: int
    timestamp: int
    missed: bool


class SlotClock:
    """The slots of one chain. Index 0 is the first block after genesis.

    A slot starts at phase + index x block time; the phase is drawn per chain so that chains do not tick together, and
    lies within the first block time. The block appears up to `jitter_ms` after its slot started (uniform), and its
    timestamp is the slot's start rounded down to the second: it never falls, and where blocks are a second apart or
    more it rises from block to block. `missed` slots bring no block.
    """

    def __init__(self, profile: NetworkProfile, seed: int, chain: str, genesis_time: int) -> None:
        # Slot `index`; ValueError below 0. A producer asks for the same ones again and again.
        self.slot: Callable[[int], Slot] = lru_cache(maxsize=4)(self._slot)
        self._block_time_ms = profile.block_time_ms
        self._jitter_span = profile.jitter_ms + 1
        self._missed_below = int(profile.missed_slot_share * DRAW)
        self._genesis_ms = genesis_time * 1000
        self._draws = blake2b(f"{seed}/slots/{chain}".encode(), digest_size=16)
        # Where there is room, the first block is a whole second after genesis, so that its timestamp is later too.
        first = 1000 if profile.block_time_ms > 1000 else 1
        self.phase_ms = first + self._draw(b"phase")[0] % (profile.block_time_ms - first)

    def _draw(self, key: bytes) -> tuple[int, int]:
        """Two independent integers in [0, 2**64)."""
        draws = self._draws.copy()
        draws.update(key)
        both = int.from_bytes(draws.digest(), "big")
        return both >> 64, both & (DRAW - 1)

    def _slot(self, index: int) -> Slot:
        if index < 0:
            raise ValueError(f"expected a slot index of 0 or more, got {index}")
        start = self.phase_ms + index * self._block_time_ms
        jitter, missed = self._draw(index.to_bytes(8, "big"))
        return Slot(
            index, start + jitter % self._jitter_span, (self._genesis_ms + start) // 1000, missed < self._missed_below
        )

    def next_index_after(self, t_ms: int) -> int:
        """The first slot, missed or not, that appears strictly after `t_ms`."""
        started = (t_ms - self.phase_ms) // self._block_time_ms
        if started < 0:
            return 0
        # Earlier slots have appeared: jitter is shorter than the time to the next slot.
        return started if self.slot(started).t_ms > t_ms else started + 1
