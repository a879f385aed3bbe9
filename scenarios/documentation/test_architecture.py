"""ARCHITECTURE.md names every part of the lab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.documents import guide
from lab.documents.structure import architecture_differences
from lab.paths import CHECKOUT
from lab.runner.script import Script

SETUP = guide.SETUP.format(
    name="Architecture",
    description="The table of layers in ARCHITECTURE.md names every folder of the lab, and no other.",
    rows="TDO-03, MPR-03",
)


def play(script: Script) -> None:
    """Compare the table with the folders."""
    assert CHECKOUT is not None
    text = (CHECKOUT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    guide.judge(script, "no difference between the table of layers and the folders", architecture_differences(text))


def test_architecture(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """ARCHITECTURE.md names every part of the lab."""
    if CHECKOUT is None:
        pytest.skip("an installed lab has no ARCHITECTURE.md; a checkout has")
    lab_run(SETUP, play)
