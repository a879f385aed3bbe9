"""What becomes of a row when its run cannot be trusted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.load.analyse.judge import Outcome, RunOutcome, Verdict
from lab.load.analyse.rows import _distrusted, _tec_02, _tec_04, _tec_06
from lab.report.catalogue.criteria_definitions import definitions


def after(row: str, verdict: str, outcome: RunOutcome, unexplained: tuple[str, ...] = ()) -> str:
    result: Any = SimpleNamespace(judged=SimpleNamespace(outcome=outcome, unexplained=unexplained))
    return str(_distrusted({"row": row, "verdict": verdict, "reason": "r"}, result)["verdict"])


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


def measured(criterion: str, figure: float, unit: str, low: float, high: float) -> Any:
    """A result with one verdict, on a network of its own."""
    verdict = Verdict(criterion, (), Outcome.MET, figure, unit, None, 900, "why", low, high)
    return SimpleNamespace(
        judged=SimpleNamespace(verdicts=(verdict,), outcome=RunOutcome.PASS, unexplained=()),
        context=SimpleNamespace(chains={}, profile={"criteria": {"cross_chain_percentile": 95.0}}),
        flows=None,
        network_ceilings=(),
        totals={"sent": 900, "succeeded": 899},
    )


def test_figures_come_in_the_unit_of_their_target() -> None:
    """Else a report could not draw them beside it."""
    units = {each.row: each.unit for each in definitions()}
    slow = _tec_02(measured("cross-chain latency", 12_345.0, "ms at p95", 11_000.0, 13_000.0))
    fast = _tec_04(measured("throughput", 1_234.0, "successes/s", 1_200.0, 1_250.0))
    some = _tec_06(measured("failures", 0.001, "share", 0.0, 0.005))
    assert slow is not None
    assert fast is not None
    assert some is not None
    assert (slow["figure"], slow["unit"], slow["interval"]) == (12.345, units["TEC-02"], [11.0, 13.0])
    assert slow["reason"] == "at p95, why"
    assert (fast["figure"], fast["unit"], fast["interval"]) == (1_234.0, units["TEC-04"], [1_200.0, 1_250.0])
    assert (some["figure"], some["unit"], some["interval"]) == (0.1, units["TEC-06"], [0.0, 0.5])
