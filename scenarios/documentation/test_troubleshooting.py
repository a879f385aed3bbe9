"""Every error, reason, doctor line and exit code has its entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.documents import guide
from lab.documents.entries import differences
from lab.documents.reference import read_documented
from lab.runner.script import Script

SETUP = guide.SETUP.format(
    name="Troubleshooting guide",
    description="Each revert, failure reason, error class, doctor line and exit code has an entry.",
    rows="TDO-06, MPR-03",
)


def play(script: Script) -> None:
    """Compare the entries with the code."""
    missing = differences(guide.read("troubleshooting.md"), read_documented())
    guide.judge(script, "no error without an entry, and no entry about nothing", missing)


def test_troubleshooting(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Every error, reason, doctor line and exit code has its entry."""
    lab_run(SETUP, play)
