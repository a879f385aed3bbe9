"""The API reference documents the contract, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.documents import guide
from lab.documents.reference import page, read_documented
from lab.runner.script import Script

SETUP = guide.SETUP.format(
    name="API reference",
    description="Functions, events and reverts are documented, none in vain; docs/api.md says what the sources say.",
    rows="TDO-01, MPR-03",
)


def play(script: Script) -> None:
    """Generate it again, and look for gaps."""
    documented = read_documented()
    same = guide.read("api.md") == page(documented)
    script.expect("docs/api.md to be generated from these sources", "as it is" if same else "another text", met=same)
    guide.judge(script, "nothing without documentation, and nothing documented in vain", documented.gaps())


def test_api_reference(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """The API reference documents the contract, and nothing else."""
    lab_run(SETUP, play)
