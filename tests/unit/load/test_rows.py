"""What becomes of a row when its run cannot be trusted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.load.judge import RunOutcome
from lab.load.rows import _distrusted


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
