"""What becomes of a row when its run cannot be trusted."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from lab.load.analyse.judge import RunOutcome
from lab.load.analyse.judged import CriterionResult
from lab.load.analyse.rows import Row, distrusted, load_02, tec_02, tec_04, tec_06
from lab.load.prepare.capacity import network_ceilings
from lab.load.profile.profile import load_profile
from lab.model.outcome import Outcome
from lab.report.catalogue.criteria_definitions import definitions


def after(
    row: str, verdict: str, outcome: RunOutcome, unexplained: tuple[str, ...] = (), *, complete: bool = True, n: int = 9
) -> str:
    invalid = () if complete else ("a worker died",)
    late = ("the generator was late",) if outcome is RunOutcome.INVALID else ()
    judged = SimpleNamespace(
        outcome=outcome, unexplained=unexplained, complete=complete, invalid=invalid, invalid_for_rows=late
    )
    result: Any = SimpleNamespace(judged=judged)
    return distrusted(Row(row, verdict, 1.0, "", "r", n=n), result).verdict


@pytest.mark.parametrize(
    ("row", "verdict", "outcome", "expected"),
    [
        ("LOAD-01", "PASS", RunOutcome.PASS, "PASS"),
        ("LOAD-01", "PASS", RunOutcome.INVALID, "PASS"),
        ("TEC-04", "LAB PASS", RunOutcome.INVALID, "UNKNOWN"),
        ("TEC-04", "FAIL", RunOutcome.INVALID, "UNKNOWN"),
        ("TEC-04", "FAIL", RunOutcome.FAIL, "FAIL"),
        ("TEC-04", "INFEASIBLE", RunOutcome.INVALID, "INFEASIBLE"),
        ("LOAD-01", "PASS", RunOutcome.INTERRUPTED, "UNKNOWN"),
        ("LOAD-01", "FAIL", RunOutcome.INTERRUPTED, "FAIL"),
    ],
)
def test_a_late_generator_says_nothing_about_time(row: str, verdict: str, outcome: RunOutcome, expected: str) -> None:
    """Neither for nor against the system; counts stay what they are. A run cut short proves nothing at all."""
    assert after(row, verdict, outcome) == expected


def test_an_unbalanced_ledger_fails_every_row() -> None:
    """Whatever it claims, an unreachable ceiling excepted."""
    assert after("TEC-03", "LAB PASS", RunOutcome.FAIL, ("x",)) == "FAIL"
    assert after("TEC-04", "INFEASIBLE", RunOutcome.FAIL, ("x",)) == "INFEASIBLE"


@pytest.mark.parametrize("verdict", ["PASS", "LAB PASS", "FAIL", "UNKNOWN"])
def test_a_lost_worker_proves_nothing(verdict: str) -> None:
    """Neither for nor against the system, whatever the ledger lacks."""
    assert after("LOAD-01", verdict, RunOutcome.INVALID, ("x",), complete=False) == "UNKNOWN"


@pytest.mark.parametrize(("verdict", "becomes"), [("PASS", "UNKNOWN"), ("LAB PASS", "UNKNOWN"), ("FAIL", "FAIL")])
def test_no_row_passes_by_no_observation(verdict: str, becomes: str) -> None:
    """n = 0 is never PASS."""
    assert after("STR-05", verdict, RunOutcome.PASS, n=0) == becomes


def test_operators_that_sent_nothing() -> None:
    """Eight of them were ready, and none sent."""
    result: Any = SimpleNamespace(
        context=SimpleNamespace(operators={"a": 8}),
        generator=SimpleNamespace(refusals={}),
        totals=SimpleNamespace(lost=0, refused=0, sent=0),
    )
    assert load_02(result).verdict == "UNKNOWN"


def measured(criterion: str, figure: float, unit: str, low: float, high: float) -> Any:
    """A result with one verdict, on a network of its own."""
    verdict = CriterionResult(criterion, (), Outcome.MET, figure, unit, None, 900, "why", low, high)
    return SimpleNamespace(
        judged=SimpleNamespace(of_rows=(verdict,), outcome=RunOutcome.PASS, unexplained=()),
        context=SimpleNamespace(chains={}, profile=load_profile("flow")),
        flows=None,
        network_ceilings=(),
        totals=SimpleNamespace(offered=900, sent=900, succeeded=899),
        plan=SimpleNamespace(seconds=30, whole_schedule=lambda: SimpleNamespace(arrivals=900)),
    )


def test_figures_come_in_the_unit_of_their_target() -> None:
    """Else a report could not draw them beside it."""
    units = {definition.row: definition.unit for definition in definitions()}
    slow = tec_02(measured("cross-chain latency", 12_345.0, "ms at p95", 11_000.0, 13_000.0))
    fast = tec_04(measured("throughput", 1_234.0, "successes/s", 1_200.0, 1_250.0))
    some = tec_06(measured("failures", 0.001, "share", 0.0, 0.005))
    assert slow is not None
    assert fast is not None
    assert some is not None
    assert (slow.figure, slow.unit, slow.interval) == (12.345, units["TEC-02"], (11.0, 13.0))
    assert slow.reason == "at p95, why"
    assert (fast.figure, fast.unit, fast.interval) == (1_234.0, units["TEC-04"], (1_200.0, 1_250.0))
    assert (some.figure, some.unit, some.interval) == (0.1, units["TEC-06"], (0.0, 0.5))


@pytest.mark.parametrize(
    ("offered", "gas", "verdict"),
    [(30 * 20, 200_000, "UNKNOWN"), (30 * 1_000, 200_000, "INFEASIBLE"), (30 * 20, 600_000, "INFEASIBLE")],
)
def test_a_small_load_on_one_network_says_nothing_of_all(offered: int, gas: int, verdict: str) -> None:
    """Unless it asked for the whole rate, or all networks together could not hold it: then no run could settle it."""
    result = measured("throughput", 20.0, "successes/s", 20.0, 20.0)
    (judged,) = result.judged.of_rows
    result.judged.of_rows = (replace(judged, outcome=Outcome.INFEASIBLE),)
    result.plan.whole_schedule, result.totals.offered = (lambda: SimpleNamespace(arrivals=offered)), 20
    result.network_ceilings = network_ceilings(gas)
    row = tec_04(result)
    assert row is not None
    assert row.verdict == verdict
