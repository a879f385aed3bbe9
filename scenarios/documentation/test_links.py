"""Every link between documents leads somewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.documents import guide
from lab.documents.links import broken_links
from lab.paths import CHECKOUT, DOCS
from lab.runner.script import Script

SETUP = guide.SETUP.format(
    name="Links of the documents",
    description="Best practices, FAQ and community page are there, and every link leads somewhere.",
    rows="MPR-03",
)


def play(script: Script) -> None:
    """Follow every link."""
    pages = sorted(DOCS.rglob("*.md"))
    pages = [page for page in pages if "node_modules" not in page.parts]
    names = {page.name for page in pages}
    guide.judge(script, "no page to be missing", sorted({"best-practices.md", "faq.md", "community.md"} - names))
    guide.judge(script, "no link that leads nowhere", broken_links(pages))


def test_links(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Every link between documents leads somewhere."""
    if CHECKOUT is None:
        pytest.skip("an installed lab has not every file that the documents link to; a checkout has")
    lab_run(SETUP, play)
