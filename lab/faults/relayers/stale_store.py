"""The relayer loses its store, and an older copy takes its place."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import on_relayer
from lab.faults.kind import FaultKind
from lab.faults.relayers.control import relayer_of
from lab.faults.spec import LastingFault
from lab.model.units import DurationMs


class StaleStore(LastingFault):
    """The relayer's store is kept aside now; later the relayer is killed, gets it back, and starts on it."""

    example: ClassVar[str] = "fault: stale_store\nrestore_after: 40s"
    passing: ClassVar[tuple[str, ...]] = ("restore_after_ms",)

    fault: Literal["stale_store"]
    restore_after_ms: DurationMs | None = Field(
        default=None, alias="restore_after", description="when the old store comes back; omitted: when it is healed"
    )

    def unsupported(self, *, own_relayer: bool) -> str | None:
        return "exchanges the store of the reference relayer, and this is another one" if own_relayer else None


class StaleStoreFault:
    """Copies the store now; later kills the relayer and starts it on the copy. Activations: 1 if the copy was old."""

    def __init__(self, context: FaultContext, fault_id: str, spec: StaleStore) -> None:
        self._relayer = relayer_of(context, fault_id, spec.fault)
        self._scheduler = context.scheduler
        self._restore_after_ms = spec.restore_after_ms
        self._end = context.ending(fault_id, self.heal)
        self._copy = self._relayer.store_path.with_name(f"{self._relayer.store_path.name}.{fault_id}")
        self._copied_ms = 0
        self._restored = False
        self.activations = 0
        self.proof = "not yet"

    def inject(self) -> None:
        self._copied_ms = self._scheduler.now_ms
        _copy(self._relayer.store_path, self._copy)
        if self._restore_after_ms is not None:
            self._scheduler.at(self._scheduler.now_ms + self._restore_after_ms, self._end)

    def heal(self) -> None:
        if self._restored:
            return
        self._restored = True
        path = self._relayer.store_path
        self._relayer.kill()
        self.activations = int(_content(path) != _content(self._copy))
        age_s = (self._scheduler.now_ms - self._copied_ms) / 1000
        changed = "changed since" if self.activations else "unchanged since"
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


KIND = FaultKind(
    spec=StaleStore,
    activate=StaleStoreFault,
    draw=lambda rng, case: on_relayer("stale_store", rng, case),
)
