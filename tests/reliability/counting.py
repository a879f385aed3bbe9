"""Counts what these tests try and what they find, for `docs/reliability.md`.

A test is one trial of its kind, unless it says more through the fixture `trials`; one that fails has found something.
Workers of pytest-xdist send their counts along with the reports of their tests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .figures import Figures, Kind

# Where `make torture` wants the figures of the run.
FILE = os.environ.get("LAB_TORTURE_FIGURES")
PROPERTY = "torture"


def figures_of(reports: Sequence[Any], factor: float) -> Figures:
    """The figures of a session's reports of calls, by kind."""
    kinds: dict[str, Kind] = {}
    for report in reports:
        if "tests/reliability/" not in report.nodeid.replace(os.sep, "/"):
            continue
        file, _, name = report.nodeid.partition("::")
        test = f"{Path(file).stem}.{name.partition('[')[0]}"
        counted = dict(report.user_properties).get(PROPERTY)
        kind = kinds.setdefault(test, Kind())
        trials = int(counted["trials"]) if counted and counted["trials"] else 1
        peak = max(kind.peak_mb or 0, counted["peak_mb"]) if counted and counted["peak_mb"] else kind.peak_mb
        findings = kind.findings + max(int(report.failed), int(counted["findings"]) if counted else 0)
        peak = round(peak) if peak else None
        kinds[test] = Kind(trials=kind.trials + trials, findings=findings, peak_mb=peak, factor=factor)
    return Figures(kinds=dict(sorted(kinds.items())))


def write_figures(terminalreporter: Any) -> None:
    """Write the figures of a session down, where they are wanted: by the process that all reports come to."""
    if FILE is None:
        return
    stats = terminalreporter.stats
    reports = [report for outcome in ("passed", "failed") for report in stats.get(outcome, ()) if report.when == "call"]
    figures = figures_of(reports, float(os.environ.get("LAB_TORTURE", "1")))
    path = Path(FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures.model_dump(), indent=1) + "\n", encoding="utf-8")
    trials, findings = figures.totals
    terminalreporter.write_line(f"{trials:,} trials, {findings} findings; figures in {path}")
