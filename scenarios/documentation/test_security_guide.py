"""The security guide says who may call what, as the contract has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.documents import guide
from lab.documents.reference import read_documented
from lab.documents.security import security_differences
from lab.runner.script import Script

SETUP = guide.SETUP.format(
    name="Security guide",
    description="docs/security.md has its sections, and its table of roles is the contract's.",
    rows="TDO-04, MPR-03",
)


def play(script: Script) -> None:
    """Compare it with the contract."""
    differences = security_differences(guide.read("security.md"), read_documented())
    guide.judge(script, "no difference from the contract", differences)


def test_security_guide(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """The security guide says who may call what, as the contract has it."""
    lab_run(SETUP, play)
