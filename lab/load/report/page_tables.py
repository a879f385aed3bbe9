"""The tables of a load report: ledger, latency, gas and cost, drift, resources, the generator's own figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.load.analyse.reconcile import Result
from lab.load.analyse.statistics import Summary
from lab.load.report.summary_text import number
from lab.model.chain.prices import LEVELS

LEDGER = (
    *("offered", "dropped", "sent", "resent", "accepted", "refused", "lost", "mined", "succeeded", "reverted"),
    *("left_in_pool", "in_flight", "unexplained_count"),
)
_PERCENTS = ("n", "p50", "p90", "p95", "p99", "max")


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table with a note above it; its cells are text."""

    title: str
    note: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def ledger_table(result: Result) -> Table:
    """One line a chain."""
    heads = ["chain", *(name.replace("_count", "").replace("_", " ") for name in LEDGER)]
    rows = [[name, *(f"{getattr(chain.ledger, key):,}" for key in LEDGER)] for name, chain in result.chains.items()]
    return Table("Ledger", "", heads, rows)


def sections_of(result: Result) -> list[Table]:
    """Every other table, in the order in which they are read."""
    makers = (_throughput, _outages, _latency, _gas, _cost, _drift, _resources, _generator)
    return [table for table in (make(result) for make in makers) if table.rows]


def _throughput(result: Result) -> Table:
    rows = []
    for name, chain in result.chains.items():
        one = chain.throughput
        interval = f"{one.low_tps:,.1f} to {one.high_tps:,.1f}"
        rows.append([name, f"{one.tps:,.1f}", interval, f"{one.seconds:,.1f}", f"{one.behind_s:,.1f}"])
    note = (
        "Mined and successful a second, over the schedule, or over the time that the chain took for all of them where "
        "that was longer (a block time and a half are left out: the last transaction waits for its block in any case, "
        "and that block has to be made and seen)."
    )
    return Table("Throughput", note, ("chain", "successes/s", "interval", "over s", "behind s"), rows)


def _outages(result: Result) -> Table:
    heads = ("chain", "at s", "for s", "arrivals in it", "dropped", "sent again", "slowest inclusion, ms")
    rows = [[value if isinstance(value, str) else number(value) for _, value in one] for one in result.outages]
    return Table("Outages", "Spans in which a chain did not answer, and what they cost.", heads, rows)


def _latency(result: Result) -> Table:
    rows = []
    for name, chain in result.chains.items():
        rows += [
            [f"{name}, sent late by", *_summary(chain.lateness_ms)],
            [f"{name}, to acceptance", *_summary(chain.acceptance_ms)],
            [f"{name}, to the observed block", *_summary(chain.inclusion_ms)],
            [f"{name}, error bound of the block", *_summary(chain.inclusion_ms.bound_ms)],
        ]
    if result.flows is not None:
        rows.append(["flows, origin block to EXECUTED", *_summary(Summary.of(result.flows.latencies_ms))])
    note = "Milliseconds from the intended send time. A block appeared at most its error bound before it was seen."
    return Table("Latency", note, ("", *_PERCENTS), rows)


def _gas(result: Result) -> Table:
    rows = []
    for name, chain in result.chains.items():
        gas = chain.gas
        calls = [number(value) for value in (gas.per_transaction, gas.sampled_min, gas.sampled_max)]
        fees = [number(value) for value in (gas.base_fee_gwei_first, gas.base_fee_gwei_max)]
        rows.append([name, *calls, f"{gas.fullest_block_share:.1%}", *fees])
    note = "Of this run's own calls: the mean from whole blocks, extremes from sampled receipts."
    fee_heads = ("base fee at first, gwei", "base fee at most, gwei")
    return Table("Gas", note, ("chain", "mean a call", "min", "max", "fullest block", *fee_heads), rows)


def _cost(result: Result) -> Table:
    rows = [
        [
            name,
            *(f"{cost.usd[level]:.6f}" if level in cost.usd else "-" for level in LEVELS),
            f"{cost.break_even_gas_price_gwei:,.4f}",
            f"{cost.gas_price_gwei['typical']:,.4f}",
            f"{cost.token} {cost.token_usd:,}",
            "; ".join(cost.sources),
        ]
        for name, cost in result.costs.items()
    ]
    note = "Measured gas at dated prices; L1 data fees of OP Stack networks included."
    heads = ("network", *LEVELS, "break-even, gwei", "typical gas price, gwei", "token", "sources")
    return Table("Cost of a call, USD", note, heads, rows)


def _drift(result: Result) -> Table:
    rows = [
        [f"{name}, {part} fifth", *(number(value) for _, value in fifth)]
        for name, chain in result.chains.items()
        for part, fifth in chain.drift
    ]
    note = ""
    if (flows := result.flows) is not None:
        note = "Of flows: the median from the origin's block to EXECUTED, of those due in that fifth."
        for part, one in (("first", flows.first), ("last", flows.last)):
            rows.append([f"flows, {part} fifth ({one.flows:,}, {one.open:,} open)", "", number(one.latency_p50_ms), ""])
    return Table("Drift", note, ("", "successes/s", "median latency, ms", "gas a transaction"), rows)


def _resources(result: Result) -> Table:
    used = result.resources
    parts = {**{f"node {name}": one for name, one in used.chains.items()}, **used.processes}
    rows = []
    for name, one in parts.items():
        memory = [_mib(size) for size in (one.rss_bytes_first, one.rss_bytes_last, one.rss_bytes_max)]
        rows.append([name, number(one.cpu_cores), number(one.cpu_seconds), *memory, f"{one.uptime_share:.2%}"])
    heads = ("", "cores", "processor s", "memory at first, MiB", "at last", "at most", "up")
    return Table("Processor, memory, uptime", "Sampled once a second while load ran.", heads, rows)


def _generator(result: Result) -> Table:
    return Table("The generator on itself", "", ("", "figure"), list(_generator_rows(result)))


def _generator_rows(result: Result) -> Iterator[list[str]]:
    one, lag = result.generator, result.generator.tick_lag_ms
    yield ["arrivals, dropped, held by the system", f"{one.arrivals:,} / {one.dropped:,} / {one.held:,}"]
    lags = " / ".join(f"{value or 0:.2f}" for value in (lag.p50, lag.p99, lag.max))
    yield ["woke up late by, ms (p50 / p99 / max)", lags]
    yield ["requests, transactions sent again, recoveries", f"{one.requests:,} / {one.resent:,} / {one.recoveries:,}"]
    sizes = (one.memory_first, one.memory_last, one.memory_max)
    yield ["memory of the workers, MiB (first / last / most)", " / ".join(map(_mib, sizes))]
    for reason, count in list(one.refusals.items())[:10]:
        yield [f"refused: {reason}", f"{count:,}"]


def _summary(summary: Summary) -> list[str]:
    return [number(getattr(summary, key)) for key in _PERCENTS]


def _mib(value: int | None) -> str:
    return "" if not value else f"{value / 2**20:,.0f}"
