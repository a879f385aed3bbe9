"""The run second by second, for charts and for series.csv."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from lab.load.analyse.figures import US, ChainRun
from lab.load.record.frozen import Sparse
from lab.model.statistics.percentile import percentile
from lab.traffic.ledger import Book


class Second(Sparse):
    """One second of one chain. Latencies in milliseconds, by the second in which their arrivals were due."""

    t: int
    offered: int = 0
    mined: int = 0
    succeeded: int = 0
    inclusion_p50: float | None = None
    inclusion_p95: float | None = None
    inclusion_p99: float | None = None
    gas_share: float | None = None
    base_fee_gwei: float | None = None


def series(runs: Sequence[ChainRun], book: Book, starts_at: float) -> dict[str, list[Second]]:
    """By chain: offered, mined, succeeded, inclusion percentiles, gas share, base fee of each second."""
    return {run.name: _seconds(run, book, starts_at) for run in runs}


def _seconds(run: ChainRun, book: Book, starts_at: float) -> list[Second]:
    rows: defaultdict[int, dict[str, Any]] = defaultdict(lambda: {"offered": 0, "mined": 0, "succeeded": 0})
    latencies: defaultdict[int, list[float]] = defaultdict(list)
    blocks = run.blocks_by_hash()
    for entry, tx_hash in run.entries:
        rows[entry.intended_us // US]["offered"] += 1
        if (block := blocks.get(tx_hash)) is not None:
            milliseconds = (block.seen_at - starts_at) * 1000 - entry.intended_us / 1000
            latencies[entry.intended_us // US].append(milliseconds)
    for leg in {entry.leg for entry, _ in run.entries[:1]}:
        for intended_us in book.dropped.get(leg, ()):
            rows[intended_us // US]["offered"] += 1
    for block in run.onchain.blocks:
        if (second := int(block.seen_at - starts_at)) < 0:
            continue
        row = rows[second]
        row["mined"] += len(block.hashes)
        row["succeeded"] += sum(tx_hash in run.onchain.succeeded for tx_hash in block.tx_hashes())
        row["gas_share"] = max(row.get("gas_share", 0.0), round(block.gas_used / block.gas_limit, 4))
        row["base_fee_gwei"] = round(block.base_fee / 1e9, 6)
    for second, values in latencies.items():
        ordered = sorted(values)
        rows[second] |= {f"inclusion_p{p}": round(percentile(ordered, p), 1) for p in (50, 95, 99)}
    return [Second(t=second, **rows[second]) for second in sorted(rows)]
