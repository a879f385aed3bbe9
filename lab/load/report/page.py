"""The report of a load run: one self-contained HTML page, readable without a network."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

from lab.html.page import Pages
from lab.load.analyse.judge import RunOutcome, Verdict
from lab.load.analyse.reconcile import Result
from lab.load.prepare.context import Context
from lab.load.report.page_charts import charts_of
from lab.load.report.page_tables import ledger_table, sections_of
from lab.load.report.summary_text import number
from lab.model.under_test import UnderTest

TEMPLATES = Path(__file__).with_name("templates")
_LEADS = {
    RunOutcome.PASS: "Every criterion that this run can speak of is met.",
    RunOutcome.FAIL: "A criterion is missed, or the ledger does not balance.",
    RunOutcome.INVALID: "The generator did not keep its schedule: the figures are its own, not the system's.",
    RunOutcome.INFEASIBLE: "A criterion does not fit into the blocks of the networks that were used.",
    RunOutcome.UNKNOWN: "A criterion could not be decided by this run.",
    RunOutcome.INTERRUPTED: "The run was ended early; the figures are of what ran.",
}
_FILES = (
    ("load.json", "everything on this page as data"),
    ("series.csv", "by second and chain"),
    ("rows.json", "for the readiness report"),
    ("plan.json", "what the generator was told"),
    ("context.json", "what the run was made of"),
    ("locust.html", "Locust's own report"),
    ("logs/locust.log", "Locust's log"),
    ("logs/relayer.log", "the relayer's log"),
)


def render(result: Result, rows: list[dict[str, Any]], folder: Path) -> str:
    """The page."""
    context = result.context
    return _pages().render_page(
        "load.html.j2",
        styles=[_pages().asset("base.css"), _pages().asset("load.css")],
        name=context.name,
        run_id=context.run_id,
        started=str(context.made_of.get("started", "")),
        description=context.description.strip(),
        under_test=under_test_line(context),
        outcome=str(result.judged.outcome),
        lead=_LEADS[result.judged.outcome],
        reasons=[*result.judged.invalid, *result.judged.unexplained[:5], *result.problems],
        verdicts=[_verdict(verdict) for verdict in result.judged.verdicts],
        facts=facts_of(result),
        ledger=ledger_table(result),
        lists=[
            (title, lines)
            for title, lines in (
                ("Unexplained", [x for ledger in result.ledgers.values() for x in ledger.unexplained]),
                (
                    "In flight when the chain stopped answering",
                    [x for ledger in result.ledgers.values() for x in ledger.in_flight_examples],
                ),
            )
            if lines
        ],
        charts=charts_of(result),
        sections=[*sections_of(result), *_locust(folder)],
        rows=[{**row, "shown": f"{number(row['figure'])} {row['unit']}"} for row in rows],
        files=[
            (name, what)
            for name, what in _FILES
            if (folder / name).is_file() or name in ("load.json", "series.csv", "rows.json")
        ],
        command=context.command,
    )


def under_test_line(context: Context) -> str:
    """Contract, relayer and project; empty where the networks were started by something that does not say."""
    noted = context.made_of.get("under_test")
    return UnderTest.model_validate(noted).line if noted else ""


def facts_of(result: Result) -> list[tuple[str, str]]:
    """Terms and what stands for them: networks and ceilings, host, shares of the processor, bottleneck."""
    context, totals, made_of = result.context, result.totals, result.context.made_of
    host, backend = made_of.get("host", {}), made_of.get("backend", {})
    shape = context.profile["shape"]
    networks = [
        f"{chain.ceiling_of(name)}{' (synthetic)' if chain.synthetic else ''}" for name, chain in context.chains.items()
    ]
    machine = f"{host.get('cpus')} processors, {(host.get('memory_bytes') or 0) / 2**30:.0f} GiB, {host.get('machine')}"
    load = result.resources.get("load_average", {})
    busy = result.resources.get("host_cpu_percent")
    facts = [
        ("Schedule", f"{shape['kind']}, {result.plan.seconds:g} s, {totals['offered']:,} arrivals"),
        ("Bottleneck", result.judged.bottleneck),
        ("Networks", "; ".join(networks)),
        (
            "Ceilings of real networks at this gas",
            ", ".join(f"{c.network} {c.tps:,.0f}/s" for c in result.network_ceilings),
        ),
        (
            "Processor time a transaction",
            f"node {_us(totals['node_cpu_us_per_transaction'])}, generator "
            f"{_us(totals['generator_cpu_us_per_transaction'])}",
        ),
        (
            "Signing",
            f"{context.signing['backend']}; {context.signing['signed']:,} signed"
            + (f" at {context.signing['per_second']:,.0f}/s" if context.signing["per_second"] else "")
            + f", {context.signing['cached']:,} from the cache",
        ),
        ("Senders", f"{sum(context.operators.values())} operators, {context.workers} worker(s)"),
        ("Host", f"{machine}; busy {busy}% in the mean, load average {load.get('mean', '?')}"),
        ("Backend", f"{backend.get('backend')}, anvil {backend.get('anvil_version')}"),
        (
            "Contract",
            f"{made_of.get('contract', {}).get('name')} "
            f"{str(made_of.get('contract', {}).get('bytecode_sha256', ''))[:12]}",
        ),
    ]
    if result.flows is not None:
        facts.append(
            (
                "Flows",
                f"{len(result.flows.latencies_ms):,} ended, {result.flows.open:,} did not; "
                f"{result.flows.per_second:,.1f} a second; {result.flows.relayer_calls:,} calls of the relayer, "
                f"{result.flows.relayer_reverts:,} of them reverted",
            )
        )
    return facts


def _verdict(verdict: Verdict) -> dict[str, Any]:
    known = verdict.low is not None and verdict.high is not None
    interval = f"{number(verdict.low)} to {number(verdict.high)}" if known else ""
    return {
        "outcome": str(verdict.outcome),
        "criterion": verdict.criterion,
        "rows": verdict.rows,
        "figure": "none" if verdict.figure is None else f"{number(verdict.figure)} {verdict.unit}",
        "interval": interval,
        "threshold": number(verdict.threshold),
        "n": f"{verdict.n:,}",
        "reason": verdict.reason,
    }


def _locust(folder: Path) -> list[dict[str, Any]]:
    """Locust's own statistics, as it wrote them."""
    path = folder / "locust_stats.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    wanted = (
        "Name",
        "Request Count",
        "Failure Count",
        "Average Response Time",
        "50%",
        "95%",
        "99%",
        "99.9%",
        "Max Response Time",
        "Requests/s",
    )
    return [
        {
            "title": "Locust's own statistics",
            "note": "Milliseconds from the intended time to the node's answer, rounded as Locust does it.",
            "heads": list(wanted),
            "rows": [[_round(row.get(name, "")) for name in wanted] for row in found],
        }
    ]


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
