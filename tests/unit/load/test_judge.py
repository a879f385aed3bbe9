"""Verdicts on figures: met, missed, infeasible, unknown; and runs that say nothing of the system."""

from __future__ import annotations

from typing import Any

import pytest

from lab.load.analyse.judge import EXIT_CODES, Facts, Outcome, RunOutcome, bottleneck, judge
from lab.load.prepare.capacity import Ceiling
from lab.load.profile.criteria import Criteria

WIDE = Ceiling("capacity", "capacity", 2_000_000_000, 125_000, 1000, True)
NARROW = Ceiling("ethereum", "ethereum", 60_000_000, 125_000, 12_000, False)
COST = {"base": {"usd": {"low": 0.1, "typical": 0.5, "high": 9.0}, "break_even_gas_price_gwei": 3.0, "sources": ["s"]}}


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
        ({"tps": 999.0}, Outcome.MISSED),
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
        (60_000, 59_400, Outcome.MISSED),
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
        ((10_000.0,) * 900 + (31_000.0,) * 100, 0, Outcome.MISSED),
        ((10_000.0,) * 1000, 60, Outcome.MISSED),
        ((), 10, Outcome.MISSED),
    ],
)
def test_cross_chain(latencies: tuple[float, ...], still_open: int, outcome: Outcome) -> None:
    """At p95, with what never ended counted as later than any limit."""
    assert outcome_of("cross-chain latency", flows=True, cross_chain_ms=latencies, flows_open=still_open) is outcome


def test_cost_and_uptime() -> None:
    """By the scenario that decides; the worst node counts."""
    assert outcome_of("cost", criteria=Criteria(cost_scenario="high")) is Outcome.MISSED
    part = COST | {"optimism": {**COST["base"], "usd": {"typical": 0.2}}}
    assert outcome_of("cost", costs=part, criteria=Criteria(cost_scenario="low")) is Outcome.UNKNOWN
    assert outcome_of("cost", costs=part, criteria=Criteria(cost_scenario="high")) is Outcome.MISSED
    assert outcome_of("cost", costs={"optimism": part["optimism"]}) is Outcome.MET
    assert outcome_of("uptime", uptime={"a": 1.0, "relayer": 0.98}) is Outcome.MISSED
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
