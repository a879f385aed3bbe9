"""The templates and styles of the readiness page, and the filter that links the ids of rows."""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape

from lab.html.page import MAX_TEXT, Pages
from lab.html.text import clean, some
from lab.model.checks import check_demand, check_name

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~>])")
_ROW_ID = re.compile(r"\b[A-Z]{2,4}-\d{2,5}\b")


@cache
def readiness_pages() -> Pages:
    """This room's templates. Only drawings of ours go through `trusted`; they escape what they quote."""
    filters = {"check_name": check_name, "check_demand": check_demand, "trusted": Markup, "md": md, "some": some}
    return Pages(Path(__file__).with_name("templates"), link_rows=link_rows, age=age, **filters)


def link_rows(text: str, known: Collection[str]) -> Markup:
    """Escaped text in which the ids of `known` rows are links to them."""

    def link(match: re.Match[str]) -> str:
        row_id = match[0]
        return f'<a class="ref" href="#{row_id}">{row_id}</a>' if row_id in known else row_id

    return Markup(_ROW_ID.sub(link, str(escape(clean(text, MAX_TEXT)))))


def age(hours: float) -> str:
    """`3 h`, `12 days`."""
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def md(text: str, limit: int = 400) -> Markup:
    """Neither HTML nor Markdown nor the end of a table cell."""
    return Markup(_SPECIAL.sub(r"\\\1", html.escape(clean(text, limit), quote=False).replace("&gt;", ">")))
