"""The charts of a load report: throughput, latency, gas, base fee, pools, processor and memory, over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from lab.load.analyse.reconcile import Result
from lab.load.report.charts import Line, chart

MIB = 1 << 20


def charts_of(result: Result) -> list[Markup]:
    """Those that have something to show."""
    series = result.series
    many = len(series) > 1
    drawn = [
        chart("Throughput, all chains", "transactions/s", _summed(result, ("offered", "mined", "succeeded"))),
        chart("Succeeded by chain", "transactions/s", _each(series, "succeeded")) if many else Markup(""),
        chart(
            "Inclusion latency",
            "ms from the intended time",
            [line for percent in (50, 95, 99) for line in _each(series, f"inclusion_p{percent}", f" p{percent}")],
        ),
        chart("Gas used of a block's limit", "share", _each(series, "gas_share"), limit=("limit", 1.0)),
        chart("Base fee", "gwei", _each(series, "base_fee_gwei")),
        chart("Transactions waiting in the pool", "transactions", _sampled(result, "chains", _pool)),
        chart(
            "Processor",
            "cores",
            [*_cores(result, "chains", "node "), *_cores(result, "processes", "")],
            limit=("all cores", float(result.context.made_of.get("host", {}).get("cpus") or 1)),
        ),
        chart(
            "Memory", "MiB", [*_sampled(result, "chains", _memory, "node "), *_sampled(result, "processes", _memory)]
        ),
    ]
    return [found for found in drawn if found]


def _summed(result: Result, keys: Sequence[str]) -> list[Line]:
    seconds = sorted({row["t"] for rows in result.series.values() for row in rows})
    lines = []
    for key in keys:
        by_second = dict.fromkeys(seconds, 0.0)
        for rows in result.series.values():
            for row in rows:
                by_second[row["t"]] += row.get(key, 0)
        lines.append(Line(key, list(by_second.items())))
    return lines


def _each(series: dict[str, list[dict[str, Any]]], key: str, suffix: str = "") -> list[Line]:
    return [
        Line(f"{name}{suffix}", [(row["t"], row[key]) for row in rows if row.get(key) is not None])
        for name, rows in series.items()
    ]


def _sampled(
    result: Result, kind: str, value: Callable[[dict[str, Any]], float | None], prefix: str = ""
) -> list[Line]:
    names = sorted({name for sample in result.samples for name in sample[kind]})
    return [
        Line(
            f"{prefix}{name}",
            [
                (round(sample["at"] - result.starts_at, 1), value(sample[kind][name]))
                for sample in result.samples
                if name in sample[kind]
            ],
        )
        for name in names
    ]


def _pool(row: dict[str, Any]) -> float | None:
    return None if row["pending"] is None else float(row["pending"] + row["queued"])


def _memory(row: dict[str, Any]) -> float | None:
    return row["rss"] / MIB if row.get("rss") else None


def _cores(result: Result, kind: str, prefix: str) -> list[Line]:
    lines = []
    for line in _sampled(result, kind, lambda row: row.get("cpu_s"), prefix):
        points: list[tuple[float, float | None]] = []
        for (before, used), (after, more) in zip(line.points, list(line.points)[1:], strict=False):
            known = used is not None and more is not None and after > before
            points.append((after, max(0.0, (more - used) / (after - before)) if known else None))  # type: ignore[operator]
        lines.append(Line(line.label, points))
    return lines
