"""What the relayer knows of transactions, in memory, with the two indexes that decisions need."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lab.relayer.memory.records import BlockId, Entry, Key

Place = tuple[int, int, str]  # timestamp, chain order, tx_id


class Ledger:
    """Entries by (chain, tx_id). What needs no call any more costs nothing: it is in no index."""

    def __init__(
        self, order: Mapping[str, int], entries: Iterable[Entry] = (), rollups: Mapping[str, str] | None = None
    ) -> None:
        """`rollups`, by chain, tell a mirror from an original; without them every entry counts as one."""
        self._order, self._rollups = dict(order), rollups or {}
        self.entries: dict[Key, Entry] = {}
        self._places: dict[Key, Place] = {}
        self._sorted: list[tuple[Place, Key]] = []
        self._active: list[Entry] | None = None
        self._children: dict[Key, list[Entry]] = {}
        self.put(entries)

    def put(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.entries[entry.key] = entry
            self._active = None
            place = None if self._is_settled(entry) else self._place(entry)
            if self._places.get(entry.key) != place:
                self._drop(entry.key)
                if place is not None:
                    self._places[entry.key] = place
                    insort(self._sorted, (place, entry.key))

    def remove(self, keys: Iterable[Key]) -> None:
        for key in keys:
            del self.entries[key]
            self._active = None
            self._drop(key)

    def _is_settled(self, entry: Entry) -> bool:
        """Whether it has ended, or is a mirror that is READY: that is all it is for."""
        is_mirror = self._rollups.get(entry.chain, entry.origin) != entry.origin
        return entry.ended is not None or (is_mirror and entry.ready is not None)

    def _place(self, entry: Entry) -> Place:
        return entry.timestamp, self._order[entry.chain], entry.tx_id

    def _drop(self, key: Key) -> None:
        place = self._places.pop(key, None)
        if place is not None:
            del self._sorted[bisect_left(self._sorted, (place, key))]

    def active(self) -> Sequence[Entry]:
        """Entries that are not settled, by (timestamp, chain order, tx_id)."""
        if self._active is None:
            self._active = [self.entries[key] for _, key in self._sorted]
            self._children = {}
            for entry in self._active:
                if entry.dependency is not None:
                    self._children.setdefault((entry.chain, entry.dependency), []).append(entry)
        return self._active

    def children(self) -> Mapping[Key, Sequence[Entry]]:
        """Active entries by the key that they depend on, on their own chain."""
        self.active()
        return self._children

    def without_orphans(self, chain: str, ancestor: int) -> tuple[list[Entry], list[Key]]:
        """What a reorg above `ancestor` leaves: entries that lose a step, and keys that vanish. Changes nothing."""

        def lost(block: BlockId | None) -> bool:
            return block is not None and block.number > ancestor

        changed: list[Entry] = []
        gone: list[Key] = []
        for entry in self.entries.values():
            if entry.chain != chain:
                continue
            if lost(entry.buffered):
                gone.append(entry.key)
            elif lost(entry.ready) or lost(entry.ended):
                ready = None if lost(entry.ready) else entry.ready
                ended = None if lost(entry.ended) else entry.ended
                end_state = entry.end_state if ended else None
                changed.append(replace(entry, ready=ready, ended=ended, end_state=end_state))
        return changed, gone
