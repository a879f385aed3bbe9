"""docs/sdk/python/README.md is followed, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.documents import guide
from lab.paths import DOCS
from lab.runner.script import Script

SETUP = guide.SETUP.format(
    name="The Python SDK's page is followed",
    description="Every block of docs/sdk/python/README.md is carried out; shown output is compared.",
    rows="UDO-02, MPR-03",
)


def play(script: Script) -> None:
    """Carry out every block."""
    guide.follow(script, DOCS / "sdk/python/README.md")


def test_python_sdk(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """docs/sdk/python/README.md is followed, block by block."""
    lab_run(SETUP, play)
