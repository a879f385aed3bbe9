"""docs/sdk/javascript/README.md is followed, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.documents import guide
from lab.paths import DOCS
from lab.runner.script import Script

SETUP = guide.SETUP.format(
    name="The JavaScript SDK's page is followed",
    description="Every block of docs/sdk/javascript/README.md is carried out; shown output is compared.",
    rows="UDO-02, MPR-03",
)


def play(script: Script) -> None:
    """Carry out every block."""
    guide.follow(script, DOCS / "sdk/javascript/README.md")


def test_javascript_sdk(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """docs/sdk/javascript/README.md is followed, block by block."""
    if guide.node() is None:
        pytest.skip(guide.NO_JAVASCRIPT)
    lab_run(SETUP, play)
