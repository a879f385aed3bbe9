"""What holds for each page: it opens from disk alone, fits every width, is accessible, and takes hostile text."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Open
from .pages import Pages

KINDS = ("readiness", "session", "run", "causes")
AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.mark.parametrize("kind", KINDS)
def test_opens_from_disk_and_asks_for_nothing(open_page: Open, pages: Pages, kind: str) -> None:
    """No message on the console, no request but for the page itself, and the title is there."""
    path = getattr(pages, kind)
    opened = open_page(path)
    assert opened.complaints == []
    assert opened.requests == [f"file://{path}"]
    assert opened.page.title()


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_does_nothing(open_page: Open, pages: Pages, kind: str) -> None:
    """Also where every row is opened and every hover text shown."""
    opened = open_page(getattr(pages, kind))
    opened.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert opened.page.evaluate("typeof window.pwned") == "undefined"
    assert opened.page.locator("img").count() == 0
    assert opened.complaints == []


@pytest.mark.parametrize("kind", KINDS)
def test_fits_every_width(open_page: Open, pages: Pages, kind: str) -> None:
    """The page itself never scrolls sideways, open rows included; wide tables do so in a frame of their own."""
    page = open_page(getattr(pages, kind)).page
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    for width in (320, 375, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        sizes = page.evaluate(
            "[innerWidth, document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert sizes[0] == width, sizes
        assert sizes[1] <= sizes[2], sizes


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_accessible_in_both_schemes(open_page: Open, pages: Pages, kind: str, scheme: str) -> None:
    """Axe finds no violation of WCAG A and AA, contrast included."""
    opened = open_page(getattr(pages, kind), color_scheme=scheme, bypass_csp=True)
    opened.page.evaluate(
        "[...document.querySelectorAll('details')].slice(0, 60).forEach((each) => { each.open = true; })"
    )
    opened.page.add_script_tag(path=AXE)
    found = opened.page.evaluate("(tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", WCAG)
    told = [f"{each['id']}: {node['html'][:160]}" for each in found["violations"] for node in each["nodes"][:3]]
    assert told == []
    assert len(found["passes"]) > 5


def test_the_schemes_differ(open_page: Open, pages: Pages) -> None:
    """Dark is dark."""
    shades = []
    for scheme in ("light", "dark"):
        page = open_page(pages.readiness, color_scheme=scheme).page
        shades.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert shades[0] != shades[1]


def test_prints_without_its_controls(open_page: Open, pages: Pages) -> None:
    """Filters and navigation stay on the screen."""
    page = open_page(pages.readiness).page
    page.emulate_media(media="print")
    assert not page.locator("form.filters").is_visible()
    assert page.locator("h1").is_visible()
