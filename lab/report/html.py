"""One self-contained HTML page from a template: inline style and script, admitted by hash, and nothing else.

Every value that a template prints is cleaned of control characters, cut to a sane length, and escaped.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from lab.report.text import clean, seconds, times

TEMPLATES = Path(__file__).with_name("templates")
MAX_TEXT = 4_000
_ROW_ID = re.compile(r"\b[A-Z]{2,4}-\d{2}\b")


def asset(name: str) -> str:
    """A style or script of ours, as text."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def render(template: str, **values: Any) -> str:
    """A template filled in."""
    return _environment().get_template(template).render(**values)


def render_page(
    template: str, *, styles: list[str], script: str = "", extra_styles: tuple[str, ...] = (), **values: Any
) -> str:
    """A whole page. `styles` and `script` are put inline; `extra_styles` are those that the values bring along."""
    style = "\n".join(styles)
    admitted = " ".join(_hash(text) for text in (style, *extra_styles))
    scripts = f"script-src {_hash(script)}; " if script else ""
    policy = f"default-src 'none'; style-src {admitted}; {scripts}base-uri 'none'; form-action 'none'"
    # The assets are files of this package, the only text that is trusted as it stands.
    return render(template, policy=policy, style=Markup(style), script=Markup(script), **values)


def link_rows(text: str, known: Collection[str]) -> Markup:
    """Escaped text in which the ids of `known` rows are links to them."""

    def link(match: re.Match[str]) -> str:
        row_id = match[0]
        return f'<a class="ref" href="#{row_id}">{row_id}</a>' if row_id in known else row_id

    return Markup(_ROW_ID.sub(link, str(escape(clean(text, MAX_TEXT)))))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _finalize(value: Any) -> Any:
    return clean(value, MAX_TEXT) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(seconds=seconds, times=times, clean=clean, link_rows=link_rows)
    return environment
