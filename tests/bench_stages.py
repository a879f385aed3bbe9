"""Where the seconds of flows went, stage by stage: from a load run's blocks and the reference relayer's store.

python -m tests.bench_stages results/load/latest
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from statistics import mean

from lab.load.drive.observer import read_blocks
from lab.load.record.run_files import blocks_file
from lab.model.statistics.percentile import percentile
from lab.relayer.memory.store import SEPARATOR

STAGES = (
    "until it is due",
    "until its resolution is sent",
    "until it is READY",
    "until that is final",
    "until its mirror is sent",
    "until the mirror is mined",
    "until the mirror is due",
    "until mirror and child are resolved",
    "until the child is READY",
    "until its execution is sent",
    "until it is EXECUTED",
)
Call = tuple[str, str, str]  # chain, kind, tx_id


def stages(run: Path) -> dict[str, list[float]]:
    """Seconds in ascending order, by stage. A negative one was sent ahead of what the stage waits for."""
    session = json.loads((run / "session.json").read_text(encoding="utf-8"))
    finality = {name: chain["finality"]["blocks"] for name, chain in session["chains"].items()}
    seen = {name: {block.number: block.seen_at for block in read_blocks(run / blocks_file(name))} for name in finality}
    with closing(sqlite3.connect(run / "relayer.sqlite")) as store:
        rows = store.execute(
            "SELECT chain, tx_id, dependency, timestamp, buffered_number, ready_number FROM transactions"
        ).fetchall()
        calls = _calls(store, session["genesis_time"])
    known = {(chain, tx_id): tuple(rest) for chain, tx_id, *rest in rows}
    found: dict[str, list[float]] = defaultdict(list)
    for (chain, tx_id), (parent, _, _, ready) in known.items():
        origin = next((name for name in finality if name != chain and (name, parent) in known), None)
        ends = [calls.get((chain, kind, tx_id)) for kind in ("resolve", "execute")]
        if not parent or origin is None or ready is None or None in ends or (chain, parent) not in known:
            continue
        _, due, buffered, parent_ready = known[origin, parent]
        _, mirror_due, mirrored, _ = known[chain, parent]
        resolution, execution = calls[chain, "resolve", tx_id], calls[chain, "execute", tx_id]
        times = [
            seen[origin][buffered],
            max(due, seen[origin][buffered]),
            calls[origin, "resolve", parent][0],
            seen[origin][parent_ready],
            seen[origin][parent_ready + finality[origin]],
            calls[chain, "mirror", parent][0],
            seen[chain][mirrored],
            max(mirror_due, seen[chain][mirrored]),
            resolution[0],
            seen[chain][ready],
            execution[0],
            seen[chain][execution[1]],
        ]
        for name, begun, ended in zip(STAGES, times, times[1:], strict=False):
            found[name].append(ended - begun)
        found["all of it"].append(times[-1] - times[0])
    return {name: sorted(values) for name, values in found.items()}


def _calls(store: sqlite3.Connection, genesis_s: int) -> dict[Call, tuple[float, int]]:
    """When each call that reached its aim was sent, in unix seconds, and the block that it was mined in."""
    sent = store.execute(
        "SELECT i.chain, i.kind, i.tx_id, MIN(v.sent_ms), i.mined_number FROM intents i JOIN versions v"
        " ON v.intent_id = i.id WHERE i.status = 'done' GROUP BY i.id ORDER BY i.id"
    )
    return {
        (chain, kind, tx_id): (genesis_s + sent_ms / 1000, mined)
        for chain, kind, tx_ids, sent_ms, mined in sent
        for tx_id in tx_ids.split(SEPARATOR)
    }


def stage_table(found: dict[str, list[float]]) -> str:
    """One line for each stage: its mean and two percentiles, in seconds."""
    lines = [f"{'seconds of a flow':40}{'mean':>8}{'p50':>8}{'p95':>8}"]
    for name in (*STAGES, "all of it"):
        if values := found.get(name):
            figures = (mean(values), percentile(values, 50), percentile(values, 95))
            lines.append(f"{name:40}{''.join(f'{figure:8.2f}' for figure in figures)}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(stage_table(stages(Path(sys.argv[1]))))
