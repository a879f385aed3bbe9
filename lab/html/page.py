"""One self-contained HTML page from a template: inline style and script, admitted by hash, and nothing else.

Every value that a template prints is cleaned of control characters, cut to a sane length, and escaped.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from lab.html.compiled_templates import compiled_templates
from lab.html.text import clean, plural, seconds, sentence, times

SHARED = Path(__file__).with_name("templates")
MAX_TEXT = 4_000
_CODE = re.compile(r"`([^`]+)`")


class Pages:
    """The templates and assets of one folder, and those that all share."""

    def __init__(self, folder: Path, **filters: Any) -> None:
        """`filters` are added to the usual ones."""
        self._folders = (folder, SHARED)
        self._environment = Environment(
            loader=FileSystemLoader(self._folders),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            bytecode_cache=compiled_templates(Path(__file__)),
        )
        self._environment.filters.update(
            seconds=seconds, times=times, clean=clean, plural=plural, prose=prose, sentence=sentence, **filters
        )

    def asset(self, name: str) -> str:
        """A style or script, as text."""
        path = next(folder / name for folder in self._folders if (folder / name).is_file())
        return path.read_text(encoding="utf-8")

    def render(self, template: str, **values: Any) -> str:
        """A template filled in."""
        return self._environment.get_template(template).render(**values)

    def render_page(
        self,
        template: str,
        *,
        styles: list[str],
        script: str = "",
        extra_styles: tuple[str, ...] = (),
        pictures: bool = False,
        **values: Any,
    ) -> str:
        """A whole page. `styles` and `script` are put inline; `extra_styles` are those that the values bring along.

        With `pictures` they are admitted as data within the page.
        """
        style = "\n".join(styles)
        admitted = " ".join(_hash(text) for text in (style, *extra_styles))
        scripts = f"script-src {_hash(script)}; " if script else ""
        images = "img-src data:; " if pictures else ""
        policy = f"default-src 'none'; style-src {admitted}; {scripts}{images}base-uri 'none'; form-action 'none'"
        # The assets are files of this package, the only text that is trusted as it stands.
        return self.render(template, policy=policy, style=Markup(style), script=Markup(script), **values)


def prose(text: str, limit: int = 400) -> Markup:
    """Cleaned, and what stands between back ticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(clean(text, limit)))))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _finalize(value: Any) -> Any:
    return clean(value, MAX_TEXT) if isinstance(value, str) and not isinstance(value, Markup) else value
