"""The operations manual has a section for every operation, with its drill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.main import get_command

from lab.cli import app
from lab.documents import guide
from lab.documents.operations import without_section
from lab.paths import DOCS
from lab.runner.script import Script

SETUP = guide.SETUP.format(
    name="Operations manual",
    description="docs/operations.md has a section for every command of `lab ops`, which names a drill that exists.",
    rows="TDO-05, MPR-03",
)


def play(script: Script) -> None:
    """Compare it with the commands."""
    group = getattr(get_command(app), "commands", {}).get("ops")
    names = sorted(getattr(group, "commands", {}))
    missing = without_section(guide.read("operations.md"), names)
    guide.judge(script, "no operation without a section and a drill", missing)


def test_operations_manual(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """The operations manual has a section for every operation, with its drill."""
    if not (DOCS / "operations.md").is_file():
        pytest.skip("there is no docs/operations.md")
    lab_run(SETUP, play)
