"""The charts of a load report: throughput, latency, gas, base fee, pools, processor and memory, over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

from markupsafe import Markup

from lab.html.charts import Line, chart
from lab.load.analyse.reconcile import Result
from lab.load.record.samples import ChainSample, ProcessSample

MIB = 1 << 20

Part = ChainSample | ProcessSample


def charts_of(result: Result) -> list[Markup]:
    """Those that have something to show."""
    cores = float(result.context.made_of.host.cpus or 1)
    latencies = [line for percent in (50, 95, 99) for line in _chains(result, f"inclusion_p{percent}", f" p{percent}")]
    drawn = [
        chart("Throughput, all chains", "transactions/s", _summed(result, ("offered", "mined", "succeeded"))),
        chart("Succeeded by chain", "transactions/s", _chains(result, "succeeded") if len(result.series) > 1 else []),
        chart("Inclusion latency", "ms from the intended time", latencies),
        chart("Gas used of a block's limit", "share", _chains(result, "gas_share"), limit=("limit", 1.0)),
        chart("Base fee", "gwei", _chains(result, "base_fee_gwei")),
        chart("Transactions waiting in the pool", "transactions", _sampled(result, _pool)),
        chart("Processor", "cores", [_rate(line) for line in _sampled(result, _cpu)], limit=("all cores", cores)),
        chart("Memory", "MiB", _sampled(result, _memory)),
    ]
    return [plot for plot in drawn if plot]


def _summed(result: Result, keys: Sequence[str]) -> list[Line]:
    sums: dict[str, Counter[int]] = {key: Counter() for key in keys}
    for key, by_second in sums.items():
        for rows in result.series.values():
            by_second.update({row.t: getattr(row, key) for row in rows})
    return [Line(key, sorted(by_second.items())) for key, by_second in sums.items()]


def _chains(result: Result, key: str, suffix: str = "") -> list[Line]:
    return [
        Line(f"{name}{suffix}", [(row.t, value) for row in rows if (value := getattr(row, key)) is not None])
        for name, rows in result.series.items()
    ]


def _sampled(result: Result, value: Callable[[Part], float | None]) -> list[Line]:
    samples = [(round(sample.at - result.starts_at, 1), sample.parts()) for sample in result.samples]
    names = dict.fromkeys(name for _, parts in samples for name in parts)
    return [Line(name, [(at, value(parts[name])) for at, parts in samples if name in parts]) for name in names]


def _pool(part: Part) -> float | None:
    known = isinstance(part, ChainSample) and part.pending is not None and part.queued is not None
    return float(part.pending + part.queued) if known else None  # type: ignore[union-attr, operator]  # just asked


def _memory(part: Part) -> float | None:
    return part.rss_bytes / MIB if part.rss_bytes else None


def _cpu(part: Part) -> float | None:
    return part.cpu_s


def _rate(line: Line) -> Line:
    """Cores in use between one sample and the next."""
    points: list[tuple[float, float | None]] = []
    for (before, used), (after, more) in pairwise(line.points):
        known = used is not None and more is not None and after > before
        points.append((after, max(0.0, (more - used) / (after - before)) if known else None))  # type: ignore[operator]  # known
    return Line(line.label, points)
