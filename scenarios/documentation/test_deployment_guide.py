"""docs/deployment.md is followed, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.documents import guide
from lab.paths import DOCS
from lab.runner.script import Script

SETUP = guide.SETUP.format(
    name="The deployment guide is followed",
    description="Every block of docs/deployment.md is carried out; shown output is compared.",
    rows="TDO-02, MPR-03",
)


def play(script: Script) -> None:
    """Carry out every block."""
    guide.follow(script, DOCS / "deployment.md")


def test_deployment_guide(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """docs/deployment.md is followed, block by block."""
    lab_run(SETUP, play)
