"""The readiness page as a PDF, by WeasyPrint, which is installed only by those who want one."""

from __future__ import annotations

import re
from pathlib import Path

from lab.bounded_files import read_text, replacing
from lab.errors import EnvironmentFailure

_VARIABLE = re.compile(r"var\(--[\w-]+,\s*(#[0-9a-fA-F]{3,8})\)")
PAGE_BYTES_MAX = 64 << 20
ADVICE = "install the extra: pip install 'tesseract-lab[pdf]' (it needs the system's Pango library)"


def write_pdf(page: Path, out: Path) -> Path:
    """Write it beside the page. Nothing outside of the page's folder is read. Raises EnvironmentFailure."""
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:
        name = type(error).__name__
        raise EnvironmentFailure(f"{out.name}: expected WeasyPrint to write a PDF, got {name}: {ADVICE}") from None
    # WeasyPrint takes no variables in the attributes of SVG; each has its colour in print as fallback.
    html = _VARIABLE.sub(r"\1", read_text(page, max_bytes=PAGE_BYTES_MAX))
    with replacing(out) as stream:
        HTML(string=html, url_fetcher=_refuse).write_pdf(stream)
    return out


def _refuse(url: str, *_: object, **__: object) -> dict[str, object]:
    raise ValueError(f"the page is self-contained, nothing is fetched: {url[:80]}")
