"""The report of a load run: one self-contained HTML page, readable without a network."""

from __future__ import annotations

import csv
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from lab.bounded_files import TEXT_BYTES_MAX, read_lines
from lab.html import figures
from lab.html.page import Pages
from lab.load.analyse.judge import RunOutcome
from lab.load.analyse.judged import CriterionResult
from lab.load.analyse.reconcile import Result
from lab.load.analyse.rows import Row
from lab.load.report.page_charts import charts_of
from lab.load.report.page_tables import Table, ledger_table, sections_of
from lab.load.report.summary_text import number, with_unit

TEMPLATES = Path(__file__).with_name("templates")
_LEADS = {
    RunOutcome.PASS: "Every criterion that this run can speak of is met.",
    RunOutcome.FAIL: "A criterion is not met, or the ledger does not balance.",
    RunOutcome.INVALID: "The generator was late or lost a worker: the figures are its own, not the system's.",
    RunOutcome.INFEASIBLE: "A criterion does not fit into the blocks of the networks that were used.",
    RunOutcome.UNKNOWN: "A criterion could not be decided by this run.",
    RunOutcome.INTERRUPTED: "The run was ended early; the figures are of what ran.",
}
_FILES = (
    ("load.json", "everything on this page as data"),
    ("series.csv", "by second and chain"),
    ("rows.json", "for the readiness report"),
    ("plan.json", "the generator's orders"),
    ("context.json", "what the run was made of"),
    ("locust.html", "Locust's own report"),
    ("logs/locust.log", "Locust's log"),
    ("logs/relayer.log", "the relayer's log"),
)


_OWN_FILES = ("load.json", "series.csv", "rows.json")
_LOCUST_COLUMNS = (
    *("Name", "Request Count", "Failure Count", "Average Response Time", "50%", "95%", "99%", "99.9%"),
    *("Max Response Time", "Requests/s"),
)


def render(result: Result, rows: list[Row], folder: Path) -> str:
    """The page."""
    context, judged, ledgers = result.context, result.judged, [chain.ledger for chain in result.chains.values()]
    in_flight = [example for ledger in ledgers for example in ledger.in_flight_examples]
    lists = {
        "Unexplained": [what for ledger in ledgers for what in ledger.unexplained],
        "In flight when the chain stopped answering": in_flight,
    }
    return _pages().render_page(
        "load.html.j2",
        styles=[_pages().asset("base.css"), _pages().asset("load.css")],
        name=context.name,
        run_id=context.run_id,
        started=context.made_of.started,
        description=context.description.strip(),
        under_test=context.made_of.under_test.line if context.made_of.under_test is not None else "",
        outcome=str(judged.outcome),
        lead=_LEADS[judged.outcome],
        reasons=[*judged.invalid, *judged.unexplained[:5], *result.problems],
        verdicts=[_verdict(verdict) for verdict in judged.verdicts],
        facts=facts_of(result),
        ledger=ledger_table(result),
        lists=[(title, lines) for title, lines in lists.items() if lines],
        charts=charts_of(result),
        sections=[*sections_of(result), *_locust(folder)],
        rows=[{**asdict(row), "shown": with_unit(row.figure, row.unit)} for row in rows],
        files=[(name, what) for name, what in _FILES if name in _OWN_FILES or (folder / name).is_file()],
        command=context.command,
    )


def facts_of(result: Result) -> list[tuple[str, str]]:
    """Terms and what stands for them: networks and ceilings, host, shares of the processor, bottleneck."""
    context, totals, made_of, signing = result.context, result.totals, result.context.made_of, result.context.signing
    host, load, contract = made_of.host, result.resources.load_average, made_of.contract
    networks = [
        f"{chain.ceiling_of(name)}{' (synthetic)' if chain.synthetic else ''}" for name, chain in context.chains.items()
    ]
    ceilings = ", ".join(f"{ceiling.network} {ceiling.tps:,.0f}/s" for ceiling in result.network_ceilings)
    node_us, generator_us = _us(totals.node_cpu_us_per_transaction), _us(totals.generator_cpu_us_per_transaction)
    rate = f" at {signing.per_second:,.0f}/s" if signing.per_second else ""
    machine = f"{host.cpus} processors, {host.memory_bytes / 2**30:.0f} GiB, {host.machine}"
    busy = f"busy {result.resources.host_cpu_percent}% in the mean, load average {load.mean if load else '?'}"
    facts = [
        ("Schedule", f"{context.profile.shape.kind}, {result.plan.seconds:g} s, {totals.offered:,} arrivals"),
        ("Bottleneck", result.judged.bottleneck),
        ("Networks", "; ".join(networks)),
        ("Ceilings of real networks at this gas", ceilings),
        ("Processor time a transaction", f"node {node_us}, generator {generator_us}"),
        ("Signing", f"{signing.backend}; {signing.signed:,} signed{rate}, {signing.cached:,} from the cache"),
        ("Senders", f"{sum(context.operators.values())} operators, {context.workers} worker(s)"),
        ("Host", f"{machine}; {busy}"),
        ("Backend", f"{made_of.backend.get('backend')}, anvil {made_of.backend.get('anvil_version')}"),
        ("Contract", "unknown" if contract is None else f"{contract.name} {contract.bytecode_sha256[:12]}"),
    ]
    if (flows := result.flows) is not None:
        calls = f"{flows.relayer_calls:,} calls of the relayer, {flows.relayer_reverts:,} of them reverted"
        one = flows.throughput
        rate = f"{one.tps:,.1f} a second over {one.seconds:,.1f} s, {flows.steady_per_second:,.1f} in its middle"
        ended = f"{len(flows.latencies_ms):,} executed, {flows.open:,} not; {rate}"
        facts.append(("Flows", f"{ended}; {calls}"))
    return facts


def _verdict(verdict: CriterionResult) -> dict[str, Any]:
    interval = ""
    if verdict.low is not None and verdict.high is not None:
        interval = figures.interval(verdict.low, verdict.high, verdict.unit)
    return {
        "outcome": str(verdict.outcome),
        "criterion": verdict.criterion,
        "rows": verdict.rows,
        "figure": "none" if verdict.figure is None else with_unit(verdict.figure, verdict.unit),
        "interval": interval,
        "threshold": with_unit(verdict.threshold, verdict.unit),
        "n": f"{verdict.n:,}",
        "reason": verdict.reason,
    }


def _locust(folder: Path) -> list[Table]:
    """Locust's own statistics, as it wrote them."""
    path = folder / "locust_stats.csv"
    if not path.is_file():
        return []
    lines = read_lines(path, max_bytes=TEXT_BYTES_MAX, max_lines=10_000)
    rows = [[_round(row.get(name, "")) for name in _LOCUST_COLUMNS] for row in csv.DictReader(lines)]
    note = "Milliseconds from the intended time to the node's answer, rounded as Locust does it."
    return [Table("Locust's own statistics", note, _LOCUST_COLUMNS, rows)]


def _round(text: str) -> str:
    try:
        return number(float(text))
    except ValueError:
        return text


def _us(value: float | None) -> str:
    return "not measured" if value is None else f"{value:,.0f} µs"


@cache
def _pages() -> Pages:
    return Pages(TEMPLATES)
