"""What the relayer knows of transactions, in memory, with the two indexes that decisions need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lab.relayer.memory.records import BlockId, Entry, Key


class Ledger:
    """Entries by (chain, tx_id). Indexes are rebuilt only after a change."""

    def __init__(self, order: Mapping[str, int], entries: Iterable[Entry] = ()) -> None:
        self._order = dict(order)
        self.entries: dict[Key, Entry] = {entry.key: entry for entry in entries}
        self._active: list[Entry] | None = None
        self._children: dict[Key, list[Entry]] = {}

    def put(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.entries[entry.key] = entry
            self._active = None

    def remove(self, keys: Iterable[Key]) -> None:
        for key in keys:
            del self.entries[key]
            self._active = None

    def active(self) -> Sequence[Entry]:
        """Entries without an end, by (timestamp, chain order, tx_id)."""
        if self._active is None:
            alive = [entry for entry in self.entries.values() if entry.ended is None]
            self._active = sorted(alive, key=lambda e: (e.timestamp, self._order[e.chain], e.tx_id))
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
