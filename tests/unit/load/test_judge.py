"""Verdicts on figures: met, not met, infeasible, unknown; and runs that say nothing of the system."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.load.analyse.cost import Cost
from lab.load.analyse.flows import FlowFifth
from lab.load.analyse.judge import EXIT_CODES, RunOutcome, bottleneck, judge
from lab.load.analyse.judged import Facts
from lab.load.analyse.rows import Row, distrusted
from lab.load.prepare.capacity import Ceiling
from lab.load.profile.criteria import CHECKLIST, Criteria
from lab.model.outcome import Outcome
from lab.report.catalogue.criteria_definitions import definitions

WIDE = Ceiling("capacity", "capacity", 2_000_000_000, 125_000, 1000, True)
NARROW = Ceiling("ethereum", "ethereum", 60_000_000, 125_000, 12_000, False)
PRICED = Cost(
    usd={"low": 0.1, "typical": 0.5, "high": 9.0},
    break_even_gas_price_gwei=3.0,
    gas_price_gwei={"typical": 1.0},
    token="ETH",
    token_usd=1.0,
    l1_data_fee_wei=0,
    sources=("s",),
)
COST = {"base": PRICED}


def facts(**changes: Any) -> Facts:
    fields: dict[str, Any] = {
        "criteria": Criteria(),
        "schedule_s": 60.0,
        "offered_tps": 1000.0,
        "tps": 1000.0,
        "tps_low": 999.0,
        "tps_high": 1001.0,
        "offered": 60_000,
        "dropped": 0,
        "held": 0,
        "sent": 60_000,
        "succeeded": 60_000,
        "flows": False,
        "cross_chain_ms": (),
        "flows_open": 0,
        "inclusion_ms": (400.0,) * 100,
        "lateness_p99_ms": 12.0,
        "tick_lag_p99_ms": 4.0,
        "ceilings": {"capacity": WIDE},
        "offered_by_chain": {"capacity": 1000.0},
        "costs": COST,
        "uptime": {"capacity": 1.0},
        "samples": 60,
        "unexplained": (),
        "interrupted": False,
    }
    return Facts(**{**fields, **changes})


def outcome_of(criterion: str, **changes: Any) -> Outcome:
    return next(v.outcome for v in judge(facts(**changes)).verdicts if v.criterion == criterion)


@pytest.mark.parametrize(
    ("criterion", "asked", "measured", "of_run", "of_row"),
    [
        ("throughput", {"throughput_tps_min": 1}, {"tps": 20.0}, Outcome.MET, Outcome.NOT_MET),
        ("throughput", {"throughput_tps_min": 1}, {"tps": 20.0, "offered_tps": 20.0}, Outcome.MET, Outcome.UNKNOWN),
        ("throughput", {"throughput_over": "3s"}, {"schedule_s": 3.0}, Outcome.MET, Outcome.UNKNOWN),
        ("throughput", {"throughput_tps_min": 5000}, {"offered_tps": 5000.0}, Outcome.NOT_MET, Outcome.MET),
        ("failures", {"failure_share_max": 0.9}, {"succeeded": 30_000}, Outcome.MET, Outcome.NOT_MET),
        ("cost", {"cost_usd_max": 0.001}, {}, Outcome.NOT_MET, Outcome.MET),
        ("cost", {"cost_scenario": "high", "cost_usd_max": 10}, {}, Outcome.MET, Outcome.MET),
    ],
)
def test_rows_are_judged_by_the_checklist_and_the_run_by_its_profile(
    criterion: str, asked: dict[str, Any], measured: dict[str, Any], of_run: Outcome, of_row: Outcome
) -> None:
    """Who asks for less passes no row by it, who asks for more fails none."""
    judged = judge(facts(criteria=Criteria.model_validate(asked), **measured))
    found = [next(v for v in verdicts if v.criterion == criterion) for verdicts in (judged.verdicts, judged.of_rows)]
    assert [verdict.outcome for verdict in found] == [of_run, of_row]


@pytest.mark.parametrize(
    ("asked", "measured", "of_run", "of_rows"),
    [
        ({"lateness_p99_max": "10s"}, {"lateness_p99_ms": 900.0}, False, True),
        ({"lateness_p99_max": "10s"}, {"tick_lag_p99_ms": 900.0}, False, True),
        ({"dropped_share_max": 0.5}, {"dropped": 20_000}, False, True),
        ({"lateness_p99_max": "10ms"}, {"lateness_p99_ms": 30.0}, True, False),
        ({"dropped_share_max": 0}, {"dropped": 1}, True, False),
        ({"lateness_p99_max": "10s"}, {"lateness_p99_ms": 30.0}, False, False),
    ],
)
def test_a_generator_is_audited_for_rows_by_the_checklist(
    asked: dict[str, Any], measured: dict[str, Any], *, of_run: bool, of_rows: bool
) -> None:
    """A profile that lets it be late makes no row of what it measured, and one that is strict voids none."""
    judged = judge(facts(criteria=Criteria.model_validate(asked), **measured))
    assert [bool(judged.invalid), bool(judged.invalid_for_rows)] == [of_run, of_rows]
    assert (judged.outcome is RunOutcome.INVALID) == of_run
    result: Any = SimpleNamespace(judged=judged)
    for verdict, becomes in (("LAB PASS", "LAB PASS"), ("FAIL", "FAIL"), ("PASS", "PASS")):
        for row in ("TEC-02", "TEC-04", "LOAD-05"):
            assert distrusted(Row(row, verdict, 1.0, "", "r", n=9), result).verdict == (
                "UNKNOWN" if of_rows else becomes
            )
        assert distrusted(Row("TEC-03", verdict, 1.0, "", "r", n=9), result).verdict == becomes


def test_the_defaults_are_the_checklists_own() -> None:
    """By which its rows are judged."""
    limits = {definition.row: definition.limit for definition in definitions()}
    assert CHECKLIST.throughput_tps_min == limits["TEC-04"]
    assert CHECKLIST.cross_chain_ms_max == 1_000 * (limits["TEC-02"] or 0)
    assert CHECKLIST.cost_usd_max == limits["TEC-03"]
    assert CHECKLIST.failure_share_max == (limits["TEC-06"] or 0) / 100


def test_all_met() -> None:
    """The checklist's own figures, reached."""
    judged = judge(facts())
    assert judged.outcome is RunOutcome.PASS
    assert EXIT_CODES[judged.outcome] == 0
    assert {v.criterion: v.outcome for v in judged.verdicts} == {
        "throughput": Outcome.MET,
        "failures": Outcome.MET,
        "cross-chain latency": Outcome.NOT_MEASURED,
        "cost": Outcome.MET,
        "uptime": Outcome.MET,
    }
    assert judged.bottleneck == "none reached"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"tps": 999.0}, Outcome.NOT_MET),
        ({"tps": 900.0, "offered_tps": 900.0}, Outcome.UNKNOWN),
        ({"schedule_s": 59.0}, Outcome.UNKNOWN),
        ({"ceilings": {"ethereum": NARROW}, "tps": 38.0}, Outcome.INFEASIBLE),
    ],
)
def test_throughput(changes: dict[str, Any], outcome: Outcome) -> None:
    """Too slow, too little offered, too short, too small blocks."""
    assert outcome_of("throughput", **changes) is outcome


def test_infeasible_tells_the_ceiling() -> None:
    """What would fit, and of what it is made."""
    verdict = judge(facts(ceilings={"ethereum": NARROW})).verdicts[0]
    assert "at most 40 calls a second (60,000,000 gas a block / 125,000 gas a call" in verdict.reason


@pytest.mark.parametrize(
    ("sent", "succeeded", "outcome"),
    [
        (60_000, 60_000, Outcome.MET),
        (60_000, 59_500, Outcome.MET),
        (60_000, 59_400, Outcome.NOT_MET),
        (60_000, 59_405, Outcome.UNKNOWN),
        (100, 100, Outcome.UNKNOWN),
        (0, 0, Outcome.UNKNOWN),
    ],
)
def test_failures_are_judged_by_their_upper_bound(sent: int, succeeded: int, outcome: Outcome) -> None:
    """Under 1% with 95% confidence; a hundred successes do not show that."""
    assert outcome_of("failures", sent=sent, succeeded=succeeded) is outcome


@pytest.mark.parametrize(
    ("latencies", "still_open", "outcome"),
    [
        ((10_000.0,) * 1000, 0, Outcome.MET),
        ((10_000.0,) * 900 + (31_000.0,) * 100, 0, Outcome.NOT_MET),
        ((10_000.0,) * 1000, 60, Outcome.NOT_MET),
        ((), 10, Outcome.NOT_MET),
    ],
)
def test_cross_chain(latencies: tuple[float, ...], still_open: int, outcome: Outcome) -> None:
    """At p95, with what never ended counted as later than any limit."""
    assert outcome_of("cross-chain latency", flows=True, cross_chain_ms=latencies, flows_open=still_open) is outcome


def test_cost_and_uptime() -> None:
    """By the scenario that decides; the worst node counts."""
    assert outcome_of("cost", criteria=Criteria(cost_scenario="high")) is Outcome.NOT_MET
    part = COST | {"optimism": PRICED.model_copy(update={"usd": {"typical": 0.2}})}
    assert outcome_of("cost", costs=part, criteria=Criteria(cost_scenario="low")) is Outcome.UNKNOWN
    assert outcome_of("cost", costs=part, criteria=Criteria(cost_scenario="high")) is Outcome.NOT_MET
    assert outcome_of("cost", costs={"optimism": part["optimism"]}) is Outcome.MET
    assert outcome_of("uptime", uptime={"a": 1.0, "relayer": 0.98}) is Outcome.NOT_MET
    assert outcome_of("uptime", uptime={}) is Outcome.UNKNOWN
    assert {v.n for v in judge(facts()).verdicts if v.criterion == "uptime"} == {60}


def test_inclusion_below_the_block_time_is_infeasible() -> None:
    """Half a second, where blocks come every second."""
    criteria = Criteria.model_validate({"inclusion_max": "500ms"})
    slow = tuple(sorted(float(x) for x in range(1000)))
    assert outcome_of("inclusion latency", criteria=criteria, inclusion_ms=slow) is Outcome.INFEASIBLE
    assert outcome_of("inclusion latency", criteria=criteria, inclusion_ms=(100.0,) * 500) is Outcome.MET


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"lateness_p99_ms": 51.0}, "51 ms late"),
        ({"tick_lag_p99_ms": 80.0}, "woke up 80 ms late"),
        ({"dropped": 61}, "61 of 60,000 arrivals were never sent"),
        ({"generator_problems": ("it died",)}, "it died"),
    ],
)
def test_an_overloaded_generator_makes_the_run_invalid(changes: dict[str, Any], told: str) -> None:
    """Not the system slow: exit code 3, and the generator is the bottleneck."""
    judged = judge(facts(**changes, tps=500.0))
    assert judged.outcome is RunOutcome.INVALID
    assert EXIT_CODES[judged.outcome] == 3
    assert any(told in reason for reason in judged.invalid)
    assert judged.bottleneck == "generator"


def test_a_lost_worker_makes_the_run_invalid() -> None:
    """Whatever its figures say, and whatever the ledger lacks: nobody knows what the worker sent."""
    for changes in ({}, {"unexplained": ("x",)}, {"tps": 1.0}, {"problems": ("a node died",)}):
        judged = judge(facts(**changes, lost=("1 of 2 generator workers died",)))
        assert judged.outcome is RunOutcome.INVALID
        assert judged.invalid[0] == "1 of 2 generator workers died"
        assert not judged.complete
    assert judge(facts(lost=("x",), interrupted=True)).outcome is RunOutcome.INTERRUPTED


NOTHING: dict[str, Any] = {
    "offered": 0, "sent": 0, "succeeded": 0, "tps": 0.0, "inclusion_ms": (), "uptime": {}, "samples": 0,
    "lateness_p99_ms": None, "tick_lag_p99_ms": None,
}  # fmt: skip


@pytest.mark.parametrize("flows", [False, True])
@pytest.mark.parametrize("given", [{}, {"uptime": {"a": 1.0}}, {"tps": 1000.0}, {"inclusion_ms": ()}])
def test_nothing_is_met_by_nothing(flows: bool, given: dict[str, Any]) -> None:
    """No observation, no criterion met, no run passed."""
    judged = judge(facts(**{**NOTHING, **given}, flows=flows, criteria=Criteria().changed(inclusion_ms_max=1000)))
    assert not [verdict for verdict in judged.verdicts if verdict.outcome is Outcome.MET]
    assert judged.outcome is not RunOutcome.PASS


def test_a_run_without_criteria_proves_nothing() -> None:
    """Exit code 3."""
    names = ("throughput_tps_min", "failure_share_max", "cross_chain_ms_max", "cost_usd_max", "uptime_share_min")
    assert judge(facts(criteria=Criteria().changed(**dict.fromkeys(names)))).outcome is RunOutcome.UNKNOWN


def test_what_waits_for_the_system_is_its_own_doing() -> None:
    """Late and dropped because no connection was free: the node is the bottleneck, the run stays valid."""
    judged = judge(facts(held=5_000, lateness_p99_ms=900.0, dropped=400, tps=700.0, behind_s=20.0))
    assert judged.outcome is RunOutcome.FAIL
    assert judged.bottleneck == "node"


def test_a_relayer_that_lags_is_named() -> None:
    """Its flows end long after the last arrival, while nodes and generator had no trouble."""
    assert bottleneck(facts(flows=True, flows_behind_s=30.0)) == "relayer"
    assert bottleneck(facts(flows=True, flows_behind_s=10.0)) == "none reached"
    assert bottleneck(facts(flows=True, flows_open=3)) == "relayer"


def test_the_worst_thing_decides() -> None:
    """An unexplained transaction before all; then an early end; then what is over the gas ceiling."""
    assert judge(facts(unexplained=("x",), lateness_p99_ms=99.0)).outcome is RunOutcome.FAIL
    assert judge(facts(interrupted=True, tps=1.0)).outcome is RunOutcome.INTERRUPTED
    over = facts(ceilings={"capacity": WIDE, "ethereum": NARROW}, offered_by_chain={"ethereum": 41.0})
    assert judge(over).outcome is RunOutcome.INFEASIBLE
    assert bottleneck(over) == "gas ceiling"
    assert judge(facts(problems=("a node died",))).outcome is RunOutcome.UNKNOWN


def fifth(latency_ms: float | None, flows: int = 100, still_open: int = 0) -> FlowFifth:
    return FlowFifth(flows=flows, open=still_open, latency_p50_ms=latency_ms)


@pytest.mark.parametrize(
    ("first", "last", "more", "outcome"),
    [
        (fifth(4_000), fifth(5_900), {}, Outcome.MET),
        (fifth(4_000), fifth(12_000), {}, Outcome.NOT_MET),
        (fifth(400), fifth(1_500), {}, Outcome.MET),  # within the slack of a poll and a block
        (fifth(4_000), fifth(4_100, still_open=50), {}, Outcome.NOT_MET),
        (fifth(4_000), fifth(None, still_open=100), {}, Outcome.NOT_MET),
        (fifth(4_000, flows=19), fifth(4_000), {}, Outcome.UNKNOWN),
        (fifth(4_000), fifth(12_000), {"steady": False}, Outcome.NOT_MEASURED),
    ],
)
def test_a_queue_of_flows_that_grows_is_a_finding(
    first: FlowFifth, last: FlowFifth, more: dict[str, Any], outcome: Outcome
) -> None:
    """Whatever the latency: a rate at which each flow waits longer than the one before it does not hold."""
    drift = {"flow_drift": (first, last), "flow_slack_ms": 2_000.0, "flows": True, "cross_chain_ms": [4_000.0] * 100}
    assert outcome_of("flow queue", **drift, **more) is outcome
    assert bottleneck(facts(**drift, **more)) == ("relayer" if outcome is Outcome.NOT_MET else "none reached")


def test_the_throughput_of_flows_is_of_flows() -> None:
    """100 calls a second that succeed are 40 flows where 40 end, and prove no row about transactions."""
    changes = {"flows": True, "tps": 40.0, "tps_unit": "flows executed/s", "tps_n": 2_400, "offered_tps": 50.0}
    judged = judge(facts(**changes, criteria=Criteria().changed(throughput_tps_min=50)))
    throughput = next(one for one in judged.verdicts if one.criterion == "throughput")
    assert (throughput.outcome, throughput.unit, throughput.n) == (Outcome.NOT_MET, "flows executed/s", 2_400)
    assert throughput.rows == ()


def test_reverts_are_named_beside_the_failures() -> None:
    """The contract and its reason; and it is what kept the rate down where most calls revert."""
    told = 'on polygon Mine reverts: "Full"'
    some = {result.criterion: result for result in judge(facts(succeeded=59_000, reverts=(told,))).verdicts}["failures"]
    assert told in some.reason
    none = {result.criterion: result for result in judge(facts(reverts=(told,))).verdicts}["failures"]
    assert told not in none.reason
    assert bottleneck(facts(mostly_reverted=True)) == "contract"
