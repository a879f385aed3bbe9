"""The run second by second, for charts and for series.csv."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lab.load.analyse.figures import US, ChainRun, Inclusions, inclusions
from lab.load.analyse.statistics import ascending
from lab.load.record.frozen import Sparse
from lab.model.statistics.percentile import percentile
from lab.traffic.book import Book


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
    legs = set(run.sent.rows["leg"].tolist())
    due_us = np.concatenate([run.sent.rows["intended_us"], book.dropped_us(legs)])
    for second, offered in zip(*np.unique(due_us // US, return_counts=True), strict=True):
        rows[int(second)]["offered"] = int(offered)
    for block, good in zip(run.onchain.blocks, run.onchain.succeeded_in, strict=True):
        if (second := int(block.seen_at - starts_at)) < 0:
            continue
        row = rows[second]
        row["mined"] += block.count
        row["succeeded"] += good
        row["gas_share"] = max(row.get("gas_share", 0.0), round(block.gas_used / block.gas_limit, 4))
        row["base_fee_gwei"] = round(block.base_fee / 1e9, 6)
    for second, ordered in _by_second(inclusions(run, starts_at)):
        rows[second] |= {f"inclusion_p{p}": round(percentile(ordered, p), 1) for p in (50, 95, 99)}
    return [Second(t=second, **rows[second]) for second in sorted(rows)]


def _by_second(included: Inclusions) -> Iterator[tuple[int, Sequence[float]]]:
    """Latencies in ascending order by the second in which their arrivals were due."""
    due_s = included.intended_us // US
    order = np.lexsort((included.ms, due_s))
    seconds, begins = np.unique(due_s[order], return_index=True)
    for second, latencies in zip(seconds, np.split(included.ms[order], begins[1:]), strict=False):
        yield int(second), ascending(latencies)
