"""What is known of the relayer: from its own store and supervisor, both only read. Of a foreign one only its life."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lab.monitor.metrics import Samples

# A batch counts as the calls that it stands for: `tx_id` holds their ids, with commas between them.
_OPEN = (
    "SELECT chain, kind, SUM(LENGTH(tx_id) - LENGTH(REPLACE(tx_id, ',', '')) + 1) FROM intents "
    "WHERE status = 'open' GROUP BY chain, kind"
)
_OLDEST = "SELECT MIN(b.ms) FROM intents i JOIN begun b ON b.intent_id = i.id WHERE i.status = 'open'"
_REPLACED = (
    "SELECT i.chain, COUNT(*) FROM versions v JOIN intents i ON v.intent_id = i.id "
    "WHERE v.position > 0 GROUP BY i.chain"
)
KINDS = ("mirror", "resolve", "execute", "expire")


@dataclass(frozen=True, slots=True)
class RelayerView:
    """One look. None for what is not known; `oldest_ms` counts since the session's genesis."""

    up: bool | None = None
    queue: Mapping[tuple[str, str], int] | None = None
    oldest_ms: int | None = None
    replaced: Mapping[str, int] = field(default_factory=dict)

    def samples(self, chains: list[str], now_ms: float, into: Samples) -> None:
        """As samples."""
        into.add("relayer_up", None if self.up is None else float(self.up))
        if self.queue is None:
            return
        for chain in chains:
            kinds = dict.fromkeys((*KINDS, *(kind for name, kind in self.queue if name == chain)))
            for kind in kinds:
                into.add("relayer_queue_length", self.queue.get((chain, kind), 0), chain, kind)
            into.add("relayer_replacements_total", self.replaced.get(chain, 0), chain)
        age_s = 0.0 if self.oldest_ms is None else max(0.0, (now_ms - self.oldest_ms) / 1000)
        into.add("relayer_oldest_intent_seconds", age_s)


RelayerLook = Callable[[], RelayerView]


def look_at(store: Path, up: Callable[[], bool | None]) -> RelayerView:
    """What the reference relayer's store holds, and whether it lives; a foreign relayer has no such store."""
    alive = up()
    if not store.is_file():
        return RelayerView(alive)
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=1)) as db:
            queue = {(str(chain), str(kind)): int(count) for chain, kind, count in db.execute(_OPEN)}
            oldest = db.execute(_OLDEST).fetchone()[0]
            replaced = {str(chain): int(count) for chain, count in db.execute(_REPLACED)}
    except (sqlite3.Error, TypeError, ValueError):
        return RelayerView(alive)
    return RelayerView(alive, queue, oldest, replaced)
