"""The table of what is detected: drawn from what runs left, without running anything."""

from __future__ import annotations

from lab.broken import read_bugs
from lab.model.verdict import Verdict
from lab.report.records.cause import AffectedRun, Cause, CauseReport

from .table import PANEL, ROOT, Detected, page, rows

SHOWN = AffectedRun(item="x", scenario="x.yaml", folder="s/x", verdict=Verdict.FAIL, words="")
FAULT = Cause(id="1", kind="check", title="S4 window", deviation="early", shown_by=SHOWN, runs=(SHOWN,))


def test_a_line_for_each_bug() -> None:
    """Causes, failed runs and lines; a bug that only a test shows says so."""
    bugs = read_bugs()
    report = CauseReport(title="", runs=6, failed=3, causes=(FAULT,))
    shown = [Detected(bugs["early_ready"], report, 31), Detected(bugs["reentrancy"], None, 0)]
    _, _, first, second = rows(shown)
    assert first.endswith("| 1 | 3 | 31 |")
    assert "| S4 window |" in first
    assert second.endswith("| in a test |  |  |")
    text = page(shown)
    assert "1 of 1 bugs are named as exactly one cause; no run prints more than 31 lines." in text


def test_the_panel_is_there() -> None:
    """Scenarios that any bug may disturb."""
    assert len(PANEL) >= 4
    assert all((ROOT / name).is_file() for name in PANEL)
