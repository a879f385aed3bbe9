"""Success criteria from scenario runs: only what the runs honestly support, and how many more would decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lab.evidence.outcomes import RunOutcome
from lab.model.history import History
from lab.model.records import Block, FaultMark
from lab.model.verdict import Verdict
from lab.report.catalogue.rows import load_catalogue
from lab.report.evidence.figures import Figure, Source
from lab.report.evidence.mutation_counts import Mutation
from lab.report.evidence.samples import Latency, Samples, stated_samples
from lab.report.judge.scenario_criteria import cost, cross_chain, failures
from lab.report.readiness_page.charts import charts
from lab.report.records.report import Readiness
from lab.report.records.row_verdict import RowVerdict

from ..fakes import CONTRACT, NOW, FakeFolder, broken, readiness, run

CATALOGUE = load_catalogue()

QUICK = Latency("optimism", "base", "2 blocks", least_ms=4_000, most_ms=12_000)
LATE = replace(QUICK, least_ms=31_000, most_ms=50_000)
OPEN = replace(QUICK, least_ms=4_000, most_ms=50_000)
GAS = {"buffer_transaction": [120_000, 130_000], "resolve_dependency": [34_000], "mark_executed": [32_000]}


@pytest.mark.parametrize(
    ("latencies", "state", "needed"),
    [
        ([QUICK] * 59, "MET", ""),
        ([QUICK] * 58, "UNKNOWN", "1 more execution of each open pair"),
        ([LATE] * 3, "NOT MET", ""),
        ([QUICK] * 59 + [OPEN], "UNKNOWN", ""),
        ([OPEN] * 40, "UNKNOWN", "59 more executions of each open pair"),
        ([], "NOT MEASURED", "59 more executions"),
    ],
)
def test_cross_chain_time(latencies: list[Latency], state: str, needed: str) -> None:
    """What is not known counts against whichever conclusion is drawn."""
    found, pairs = cross_chain(Samples(runs=["a"], latencies=latencies))
    assert (found.state, found.needed) == (state, needed)
    assert len(pairs) == min(1, len(latencies))


def test_one_late_pair_decides_against_all() -> None:
    """However good the others are."""
    other = [replace(each, origin="ethereum") for each in [LATE] * 3]
    found, pairs = cross_chain(Samples(runs=["a"], latencies=[QUICK] * 59 + other))
    assert found.state == "NOT MET"
    assert [pair.state for pair in pairs] == ["NOT MET", "MET"]
    assert "late for certain: ethereum to base" in found.reason


def test_what_a_scenario_itself_calls_final_is_no_figure_of_its_network() -> None:
    """One that waits four minutes for a finality of its own does not make the network late."""
    samples = Samples(runs=["a"])
    samples.add(Samples(latencies=[replace(LATE, finality="tag finalized")] * 3 + [QUICK] * 59), lambda _: "2 blocks")
    found, pairs = cross_chain(samples)
    assert (found.state, len(pairs)) == ("MET", 1)
    assert "3 executions of scenarios with a finality of their own left out" in found.assumptions
    alone = Samples(runs=["a"])
    alone.add(Samples(latencies=[LATE] * 3), {"optimism": "9 blocks"}.get)
    assert cross_chain(alone)[0].figure == "no cross-chain execution with its network's own finality is recorded"
    unknown = Samples(runs=["a"])
    unknown.add(Samples(latencies=[LATE] * 3), lambda _: None)
    assert cross_chain(unknown)[0].state == "NOT MET"


@pytest.mark.parametrize(
    ("sent", "failed", "state", "needed"),
    [
        (299, 0, "MET", ""),
        (298, 0, "UNKNOWN", "1 more transaction without another failure"),
        (100, 10, "NOT MET", ""),
        (0, 0, "NOT MEASURED", "299 more transactions"),
    ],
)
def test_failure_rate(sent: int, failed: int, state: str, needed: str) -> None:
    """By exact bounds."""
    found = failures(Samples(runs=["a"], relayer_sent=sent, relayer_failed=failed))
    assert (found.state, found.needed) == (state, needed)


def test_cost_is_gas_times_dated_prices() -> None:
    """191,000 gas at Ethereum's typical price, and the price at which that costs a dollar."""
    found, views = cost(Samples(runs=["a"], gas={"ethereum": GAS, "nowhere": GAS, "base": {"mark_executed": [1]}}))
    (view,) = views
    assert view.gas == 191_000
    assert view.usd["typical"] == pytest.approx(191_000 * 0.4619e-9 * 1569.68)
    assert view.usd["high"] > 1 > view.usd["typical"]
    assert view.break_even_gwei * 1e-9 * view.gas * 1569.68 == pytest.approx(1)
    assert found.state == "MET"
    assert "above the limit: ethereum" in found.reason
    assert any("2026-06-30" in text for text in found.assumptions)


def test_a_dear_network_fails_it() -> None:
    """At the price scenario that decides."""
    dear = {"buffer_transaction": [9_000_000], "resolve_dependency": [1], "mark_executed": [1]}
    assert cost(Samples(runs=["a"], gas={"ethereum": dear}))[0].state == "NOT MET"


def report(*folders: FakeFolder, **options: Any) -> Readiness:
    """The report over some folders."""
    return readiness(CATALOGUE, folders, contract_sha256=CONTRACT, generated=NOW, **options)


def plain() -> FakeFolder:
    """A run in which no fault acted."""
    return run("dependencies/single_dependency", faults=[])


def test_runs_with_an_acting_fault_are_left_out() -> None:
    """So are runs that cannot be trusted, and those of another contract."""
    faulty, edited, other = run("failures/x"), plain(), plain()
    edited.differences = ["history.jsonl: changed"]
    other.manifest_value = dict(other.manifest_value) | {"contract": {"bytecode_sha256": "00" * 32}}  # type: ignore[arg-type]
    assert {each.state for each in report(faulty, edited, other).criteria} == {"NOT MEASURED"}
    row = next(each for each in report(plain()).rows if each.id == "TEC-06")
    assert row.verdict is RowVerdict.UNKNOWN
    assert "0 of 1 transactions of the relayer reverted" in row.reason


def reverting() -> FakeFolder:
    """A run in which the relayer's transactions reverted."""
    folder = plain()
    assert isinstance(folder.history_value, History)
    records = [
        record.model_copy(update={"txs": tuple(tx.model_copy(update={"status": 0}) for tx in record.txs)})
        if isinstance(record, Block)
        else record
        for record in sorted(folder.history_value.records, key=lambda record: record.seq)
    ]
    return replace(folder, history_value=History(records))


def faultless() -> FakeFolder:
    """The same, and its history says of no fault that it acted."""
    folder = reverting()
    assert isinstance(folder.history_value, History)
    records = sorted(folder.history_value.records, key=lambda record: record.seq)
    healed = {"activations": 0}
    kept = [each.model_copy(update=healed) if isinstance(each, FaultMark) else each for each in records]
    return replace(folder, history_value=History(kept))


def noted() -> FakeFolder:
    """The same, with the line beside its folder."""
    folder = faultless()
    assert isinstance(folder.history_value, History)
    return replace(folder, outcome_value=RunOutcome(samples=stated_samples(folder.history_value)))


LOST: dict[str, Any] = {"history_value": broken()}
GONE = {**LOST, "manifest_value": broken(), "verdict_value": broken()}
MEASURED = Figure("TEC-06", RowVerdict.PASS, "0 of 9,000", Source("load buffer"), "0%", n=9_000, failures=0)


@pytest.mark.parametrize(
    ("made", "damaged", "expected"),
    [
        (reverting, {}, RowVerdict.FAIL),
        (reverting, {"differences": ["verdict.json: its digest is not the one"]}, RowVerdict.FAIL),
        (reverting, {"verdict_value": broken()}, RowVerdict.FAIL),
        (reverting, LOST, RowVerdict.UNKNOWN),
        # A fault acted, which may be why.
        (reverting, {"manifest_value": broken()}, RowVerdict.UNKNOWN),
        (faultless, {"manifest_value": broken()}, RowVerdict.FAIL),
        (faultless, GONE, RowVerdict.UNKNOWN),
        (noted, LOST, RowVerdict.FAIL),
        (noted, GONE, RowVerdict.FAIL),
    ],
)
def test_what_a_damaged_run_showed_is_not_taken_back(
    made: Callable[[], FakeFolder], damaged: dict[str, Any], expected: RowVerdict
) -> None:
    """By its history as long as that is whole, or by its line; else nobody knows, whatever a load says."""
    folder = replace(made(), **damaged)
    row = next(each for each in report(folder, figures=[MEASURED]).rows if each.id == "TEC-06")
    assert row.verdict is expected
    assert (folder.path.name in row.reason) == bool(damaged)


def test_a_damaged_run_dilutes_no_failure() -> None:
    """Nor does a line that praises it, or that nobody can read."""
    praise = {"latencies": [], "gas": {}, "relayer_sent": 10**9, "relayer_failed": 0}
    late = [{"origin": "base", "target": "base", "finality": "x", "least_ms": 10**400, "most_ms": 1}]
    wrong = ({"gas": 7}, {"relayer_sent": 1, "relayer_failed": 2}, {"latencies": late}, {"relayer_sent": 2**53 - 1})
    for samples in (praise, {}, *wrong):
        damaged = replace(plain(), outcome_value=RunOutcome(samples=samples), **GONE)
        row = next(each for each in report(damaged, reverting()).rows if each.id == "TEC-06")
        assert row.verdict is RowVerdict.FAIL
        alone = next(each for each in report(damaged, figures=[MEASURED]).rows if each.id == "TEC-06")
        assert alone.verdict is RowVerdict.UNKNOWN


def test_a_damaged_run_proves_nothing() -> None:
    """What is left of it that is good does not count."""
    edited = replace(plain(), differences=["verdict.json: its digest is not the one"])
    row = next(each for each in report(edited, figures=[MEASURED]).rows if each.id == "TEC-06")
    assert row.verdict is RowVerdict.UNKNOWN
    assert "verdict.json" in row.reason


def test_too_few_transactions_in_scenarios_speak_against_no_measurement() -> None:
    """A load run showed it; what scenarios could not tell is left out. What speaks against it is not."""
    measured = Figure("TEC-06", RowVerdict.PASS, "0 of 9,000", Source("load buffer"), "0%", n=9_000, failures=0)
    judged = report(plain(), figures=[measured])
    assert {row.id: row for row in judged.rows}["TEC-06"].verdict is RowVerdict.LAB_PASS
    shown = next(each for each in judged.criteria if each.row == "TEC-06")
    assert (shown.state, shown.figure, shown.n) == ("MET", "0%", 9_000)
    failed = replace(measured, verdict=RowVerdict.FAIL, failures=900)
    by_id = {row.id: row for row in report(plain(), figures=[failed]).rows}
    assert by_id["TEC-06"].verdict is RowVerdict.FAIL


def test_a_run_that_could_not_tell_lends_no_figure() -> None:
    """20 a second of twenty small networks are not what met 1,000 a second."""
    source = Source("load networks", "load/b")
    enough = Figure("TEC-04", RowVerdict.PASS, "over 60 s", source, "1,041 tx/s", "tx/s", 1041.0, assumptions=("x",))
    small = Figure(
        "TEC-04", RowVerdict.UNKNOWN, "synthetic", Source("load endurance", "load/a"), "20 tx/s", "tx/s", 20.0,
        assumptions=("y",), inconclusive=True,
    )  # fmt: skip
    shown = next(each for each in report(figures=[small, enough]).criteria if each.row == "TEC-04")
    assert (shown.state, shown.figure, shown.assumptions) == ("MET", "1,041 tx/s", ("x",))


def test_failed_safety_checks_count_as_criticals() -> None:
    """The lab's own count stands against whatever is attested."""
    row = next(
        each for each in report(run("x/y", Verdict.FAIL, checks={"S2": Verdict.FAIL})).rows if each.id == "TEC-05"
    )
    assert row.verdict is RowVerdict.FAIL
    assert "S2 parent final in x/y" in row.reason


def test_what_another_contract_did_is_no_critical() -> None:
    """A folder of results keeps the runs of contracts that were broken on purpose, too."""
    failed = run("x/y", Verdict.FAIL, checks={"S2": Verdict.FAIL}, contract={"bytecode_sha256": "00" * 32})
    row = next(each for each in report(failed).rows if each.id == "TEC-05")
    assert row.verdict is RowVerdict.ATTESTATION_MISSING


def test_what_was_measured_of_another_contract_is_out_of_date() -> None:
    """As with the runs themselves: it is to be measured again, which is more than that nothing is on record."""
    other = run("dependencies/single_dependency", faults=[], contract={"bytecode_sha256": "00" * 32})
    found = report(other)
    measured = ("TEC-02", "TEC-03", "TEC-06")
    assert {each.verdict for each in found.rows if each.id in measured} == {RowVerdict.STALE}
    assert {each.needed for each in found.criteria if each.row in measured} == {
        "measure again: the evidence is out of date"
    }


def test_all_twelve_are_there_with_their_definitions() -> None:
    """Six measured, six answered for."""
    found = report().criteria
    assert [each.kind for each in found] == ["technical"] * 6 + ["business"] * 6
    assert all(each.definition and each.target for each in found)
    assert found[0].needed == "2,995 trials without a failure"


def test_an_unreadable_history_may_have_shown_anything() -> None:
    """It breaks nothing here, and what it measured is lost."""
    folder = plain()
    folder.history_value = ValueError("no header")
    assert isinstance(plain().history_value, History)
    found = report(folder).criteria[1]
    assert found.state == "UNKNOWN"
    assert "(history.jsonl cannot be read): what was measured there is lost" in found.reason


def test_charts_are_drawn_only_from_something() -> None:
    """Nothing measured, no chart; hostile names are escaped."""
    assert charts(report()) == []
    many = report(plain(), run("failures/x"), mutation=Mutation({"killed": 9, "survived": 1, "undecided": 0}))
    drawn = {chart.title: chart.svg for chart in charts(many)}
    assert "9 of 10 mutants caught, 90%" in drawn["Mutants caught"]
    assert "reorg" in drawn["Faults by the phase in which they acted"]
    bad = many.model_copy(
        update={
            "measured": many.measured.model_copy(
                update={"faults": (many.measured.faults[0].model_copy(update={"fault": "<script>"}),)}
            )
        }
    )
    assert "<script>" not in "".join(chart.svg for chart in charts(bad))
