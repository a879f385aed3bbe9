"""The time line of a run: zoom, move, hover, keyboard."""

from __future__ import annotations

from .conftest import Open
from .pages import Pages

PLACES = "[...document.querySelectorAll('.lab-plot > g')].map((mark) => mark.getBoundingClientRect().x)"


def test_zoom_and_back(open_page: Open, pages: Pages) -> None:
    """Marks move apart, and the whole run comes back as it was."""
    page = open_page(pages.run).page
    before = page.evaluate(PLACES)
    page.get_by_label("Zoom in").click()
    after = page.evaluate(PLACES)
    assert max(after) - min(after) > 1.5 * (max(before) - min(before))
    assert page.locator(".zoom [role=status]").inner_text() == "1.6x"
    page.get_by_label("Show the whole run").click()
    assert all(abs(one - two) < 0.5 for one, two in zip(before, page.evaluate(PLACES), strict=True))
    assert page.get_by_label("Zoom out").is_disabled()


def test_names_of_lanes_stay(open_page: Open, pages: Pages) -> None:
    """However far one zooms."""
    page = open_page(pages.run).page
    for _ in range(5):
        page.get_by_label("Zoom in").click()
    name = page.locator("svg.lab-timeline > text").first.bounding_box()
    frame = page.locator("svg.lab-timeline").bounding_box()
    assert name is not None
    assert frame is not None
    assert name["x"] - frame["x"] < 20


def test_keyboard_moves(open_page: Open, pages: Pages) -> None:
    """Plus zooms, arrows move, zero resets."""
    page = open_page(pages.run).page
    page.locator(".lab-scroll:has(svg)").focus()
    page.keyboard.press("+")
    zoomed = page.evaluate(PLACES)
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(PLACES)[0] > zoomed[0]
    page.keyboard.press("0")
    assert page.get_by_label("Zoom out").is_disabled()


def test_hover_tells_what_a_mark_is(open_page: Open, pages: Pages) -> None:
    """In words, beside the pointer, and within the page."""
    page = open_page(pages.run, viewport={"width": 800, "height": 900}).page
    mark = page.locator(".lab-plot > g", has=page.locator("title", has_text="swap.pay executed")).first
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    assert "60.000 s" in page.locator(".tip").inner_text()
    box = page.locator(".tip").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 800
