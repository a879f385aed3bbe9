"""The relayer loses its store, and an older copy takes its place."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from lab.faults.base import Surroundings
from lab.faults.relayers import relayer_of
from lab.scenario.faults import StaleStore


class StaleStoreFault:
    """Copies the store now; later kills the relayer and starts it on the copy. Bites: 1 if the copy was old."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: StaleStore) -> None:
        self._relayer = relayer_of(surroundings, fault_id, spec.fault)
        self._scheduler = surroundings.scheduler
        self._restore_after_ms = spec.restore_after_ms
        self._end = surroundings.ending(fault_id, self.heal)
        self._copy = self._relayer.store_path.with_name(f"{self._relayer.store_path.name}.{fault_id}")
        self._copied_ms = 0
        self._restored = False
        self.bites = 0
        self.proof = "not yet"

    def inject(self) -> None:
        """Keep the store as it is now."""
        self._copied_ms = self._scheduler.now_ms
        _copy(self._relayer.store_path, self._copy)
        if self._restore_after_ms is not None:
            self._scheduler.at(self._scheduler.now_ms + self._restore_after_ms, self._end)

    def heal(self) -> None:
        """Put it back."""
        if self._restored:
            return
        self._restored = True
        path = self._relayer.store_path
        self._relayer.kill()
        self.bites = int(_content(path) != _content(self._copy))
        age_s = (self._scheduler.now_ms - self._copied_ms) / 1000
        changed = "changed since" if self.bites else "unchanged since"
        self.proof = f"the store of {age_s:g} s before came back; it had {changed}"
        for part in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + part).unlink(missing_ok=True)
        self._copy.replace(path)
        self._relayer.start()


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _content(path: Path) -> list[str]:
    """All that a store holds, whatever its file looks like."""
    with closing(sqlite3.connect(path)) as store:
        return list(store.iterdump())
