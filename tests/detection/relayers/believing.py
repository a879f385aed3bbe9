"""Relayers that believe what a reorg took back: each is the reference with its ledger replaced, and has one bug."""

from __future__ import annotations

from dataclasses import replace

from lab.relayer.memory.ledger import Ledger
from lab.relayer.memory.records import Entry, Key


class KeepsReady(Ledger):
    """Once READY, always READY, whatever became of the block."""

    def without_orphans(self, chain: str, ancestor: int) -> tuple[list[Entry], list[Key]]:
        """As it should, but for that."""
        changed, gone = super().without_orphans(chain, ancestor)
        return [replace(entry, ready=self.entries[entry.key].ready) for entry in changed], gone


class KeepsExecuted(Ledger):
    """What was executed once is done for good."""

    def without_orphans(self, chain: str, ancestor: int) -> tuple[list[Entry], list[Key]]:
        """As it should, but for that."""
        changed, gone = super().without_orphans(chain, ancestor)
        known = ((entry, self.entries[entry.key]) for entry in changed)
        return [replace(new, ended=old.ended, end_state=old.end_state) for new, old in known], gone


class KeepsMirrors(Ledger):
    """A mirror that was buffered once is there for good."""

    def without_orphans(self, chain: str, ancestor: int) -> tuple[list[Entry], list[Key]]:
        """As it should, but for that."""
        changed, gone = super().without_orphans(chain, ancestor)
        mirrors = {key for key in gone if any(other[1] == key[1] and other[0] != chain for other in self.entries)}
        kept = [replace(self.entries[key], ready=None) for key in mirrors]
        return [*changed, *kept], [key for key in gone if key not in mirrors]
