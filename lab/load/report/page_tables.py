"""The tables of a load report: ledger, latency, gas and cost, drift, resources, the generator's account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.load.analyse.reconcile import Result
from lab.load.analyse.statistics import summary
from lab.model.chain.prices import LEVELS

LEDGER = (
    "offered",
    "dropped",
    "sent",
    "resent",
    "accepted",
    "refused",
    "lost",
    "mined",
    "succeeded",
    "reverted",
    "left_in_pool",
    "in_flight",
    "unexplained_count",
)
_PERCENTS = ("n", "p50", "p90", "p95", "p99", "max")


def ledger_table(result: Result) -> dict[str, Any]:
    """One line a chain."""
    heads = ["chain", *(name.replace("_count", "").replace("_", " ") for name in LEDGER)]
    rows = [[name, *(f"{getattr(ledger, key):,}" for key in LEDGER)] for name, ledger in result.ledgers.items()]
    return {"heads": heads, "rows": rows}


def sections_of(result: Result) -> list[dict[str, Any]]:
    """Every other table, in the order in which they are read."""
    makers = (_throughput, _outages, _latency, _gas, _cost, _drift, _resources, _generator)
    return [part for part in (make(result) for make in makers) if part["rows"]]


def _section(title: str, note: str, heads: Sequence[str], rows: list[list[str]]) -> dict[str, Any]:
    return {"title": title, "note": note, "heads": list(heads), "rows": rows}


def _throughput(result: Result) -> dict[str, Any]:
    rows = []
    for name, chain in result.chains.items():
        found = chain["throughput"]
        rows.append(
            [
                name,
                f"{found['tps']:,.1f}",
                f"{found['low']:,.1f} to {found['high']:,.1f}",
                f"{found['seconds']:,.1f}",
                f"{found['behind_s']:,.1f}",
            ]
        )
    return _section(
        "Throughput",
        "Mined and successful a second, over the schedule, or over the time that the chain took for all of them where "
        "that was longer (a block time and a half are left out: the last transaction waits for its block in any case, "
        "and that block has to be made and seen).",
        ("chain", "successes/s", "interval", "over s", "behind s"),
        rows,
    )


def _outages(result: Result) -> dict[str, Any]:
    keys = ("chain", "at_s", "seconds", "arrivals", "dropped", "sent_again", "inclusion_ms_max")
    rows = [[str(o["chain"]), *(_figure(o[key]) for key in keys[1:])] for o in result.outages]
    return _section(
        "Outages",
        "Spans in which a chain did not answer, and what they cost.",
        ("chain", "at s", "for s", "arrivals in it", "dropped", "sent again", "slowest inclusion, ms"),
        rows,
    )


def _latency(result: Result) -> dict[str, Any]:
    rows = []
    for name, chain in result.chains.items():
        for key, label in (
            ("lateness_ms", "sent late by"),
            ("acceptance_ms", "to acceptance"),
            ("inclusion_ms", "to the observed block"),
        ):
            rows.append([f"{name}, {label}", *_summary(chain[key])])
        rows.append([f"{name}, error bound of the block", *_summary(chain["inclusion_ms"].get("bound_ms", {"n": 0}))])
    if result.flows is not None:
        rows.append(["flows, origin block to EXECUTED", *_summary(summary(result.flows.latencies_ms))])
    return _section(
        "Latency",
        "Milliseconds from the intended send time. A block appeared at most its error bound before it was seen.",
        ("", *_PERCENTS),
        rows,
    )


def _gas(result: Result) -> dict[str, Any]:
    rows = []
    for name, chain in result.chains.items():
        gas = chain["gas"]
        rows.append(
            [
                name,
                _figure(gas["per_transaction"]),
                _figure(gas["sampled_min"]),
                _figure(gas["sampled_max"]),
                f"{gas['fullest_block_share']:.1%}",
                _figure(gas["base_fee_gwei_first"]),
                _figure(gas["base_fee_gwei_max"]),
            ]
        )
    return _section(
        "Gas",
        "Of this run's own calls: the mean from whole blocks, extremes from sampled receipts.",
        ("chain", "mean a call", "min", "max", "fullest block", "base fee at first, gwei", "base fee at most, gwei"),
        rows,
    )


def _cost(result: Result) -> dict[str, Any]:
    rows = [
        [
            name,
            *(f"{cost['usd'][level]:.6f}" if level in cost["usd"] else "-" for level in LEVELS),
            f"{cost['break_even_gas_price_gwei']:,.4f}",
            f"{cost['gas_price_gwei']['typical']:,.4f}",
            f"{cost['token']} {cost['token_usd']:,}",
            "; ".join(cost["sources"]),
        ]
        for name, cost in result.costs.items()
    ]
    return _section(
        "Cost of a call, USD",
        "Measured gas at dated prices; L1 data fees of OP Stack networks included.",
        ("network", *LEVELS, "break-even, gwei", "typical gas price, gwei", "token", "sources"),
        rows,
    )


def _drift(result: Result) -> dict[str, Any]:
    rows = []
    for name, chain in result.chains.items():
        for part in ("first", "last"):
            found = chain["drift"][part]
            rows.append(
                [
                    f"{name}, {part} fifth",
                    _figure(found["tps"]),
                    _figure(found["inclusion_p50_ms"]),
                    _figure(found["gas_per_transaction"]),
                ]
            )
    return _section("Drift", "", ("", "successes/s", "median inclusion, ms", "gas a transaction"), rows)


def _resources(result: Result) -> dict[str, Any]:
    rows = []
    for kind, prefix in (("chains", "node "), ("processes", "")):
        for name, used in result.resources[kind].items():
            rows.append(
                [
                    f"{prefix}{name}",
                    _figure(used["cpu_cores"]),
                    _figure(used["cpu_seconds"]),
                    *(_mib(used[key]) for key in ("rss_first", "rss_last", "rss_max")),
                    f"{used['uptime_share']:.2%}",
                ]
            )
    return _section(
        "Processor, memory, uptime",
        "Sampled once a second while load ran.",
        ("", "cores", "processor s", "memory at first, MiB", "at last", "at most", "up"),
        rows,
    )


def _generator(result: Result) -> dict[str, Any]:
    found = result.generator
    lag = found["tick_lag_ms"]
    rows = [
        ["arrivals, dropped, held by the system", f"{found['arrivals']:,} / {found['dropped']:,} / {found['held']:,}"],
        [
            "woke up late by, ms (p50 / p99 / max)",
            f"{lag.get('p50', 0):.2f} / {lag.get('p99', 0):.2f} / {lag.get('max', 0):.2f}",
        ],
        [
            "requests, transactions sent again, recoveries",
            f"{found['requests']:,} / {found['resent']:,} / {found['recoveries']:,}",
        ],
        [
            "memory of the workers, MiB (first / last / most)",
            " / ".join(_mib(found[key]) for key in ("memory_first", "memory_last", "memory_max")),
        ],
        *([f"refused: {reason}", f"{count:,}"] for reason, count in list(found["refusals"].items())[:10]),
    ]
    return _section("The generator on itself", "", ("", "figure"), rows)


def _summary(found: dict[str, Any]) -> list[str]:
    return [_figure(found.get(key)) for key in _PERCENTS]


def _mib(value: int | None) -> str:
    return "" if not value else f"{value / 2**20:,.0f}"


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
