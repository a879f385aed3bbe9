"""The pages of the reports: their templates and styles, and the filter that links the ids of rows."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from lab.html.page import MAX_TEXT, Pages
from lab.html.text import clean

TEMPLATES = Path(__file__).with_name("templates")
_ROW_ID = re.compile(r"\b[A-Z]{2,4}-\d{2,5}\b")


def asset(name: str) -> str:
    """A style or script of ours, as text."""
    return _pages().asset(name)


def render(template: str, **values: Any) -> str:
    """A template filled in."""
    return _pages().render(template, **values)


def render_page(
    template: str, *, styles: list[str], script: str = "", extra_styles: tuple[str, ...] = (), **values: Any
) -> str:
    """See `Pages.render_page`."""
    return _pages().render_page(template, styles=styles, script=script, extra_styles=extra_styles, **values)


def link_rows(text: str, known: Collection[str]) -> Markup:
    """Escaped text in which the ids of `known` rows are links to them."""

    def link(match: re.Match[str]) -> str:
        row_id = match[0]
        return f'<a class="ref" href="#{row_id}">{row_id}</a>' if row_id in known else row_id

    return Markup(_ROW_ID.sub(link, str(escape(clean(text, MAX_TEXT)))))


def age(hours: float) -> str:
    """`3 h`, `12 days`."""
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


@cache
def _pages() -> Pages:
    # Only drawings of ours go through `trusted`; they escape what they quote.
    return Pages(TEMPLATES, link_rows=link_rows, age=age, trusted=Markup)
