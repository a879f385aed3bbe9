"""docs/integration.md is followed, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.documents import guide
from lab.paths import DOCS
from lab.runner.script import Script

SETUP = guide.SETUP.format(
    name="The integration guide is followed",
    description="Every block of docs/integration.md is carried out; shown output is compared.",
    rows="UDO-01, MPR-03",
)


def play(script: Script) -> None:
    """Carry out every block."""
    guide.follow(script, DOCS / "integration.md")


def test_integration_guide(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """docs/integration.md is followed, block by block."""
    lab_run(SETUP, play)
