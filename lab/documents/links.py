"""Links between documents: each leads to a file that is there, and to a heading that it has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt

_PLAIN = re.compile(r"[^\w\- ]")


def anchor(heading: str) -> str:
    """The address of a heading within its page, as GitHub makes it."""
    return _PLAIN.sub("", heading.replace("`", "").lower()).strip().replace(" ", "-")


@cache
def headings(page: Path) -> set[str]:
    """The addresses of a page's headings."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    return {anchor(after.content) for one, after in pairwise(tokens) if one.type == "heading_open"}


def targets(page: Path) -> list[str]:
    """What a page links to, pictures included."""
    inline = [token for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")) if token.children]
    children = [child for token in inline for child in token.children or ()]
    return [str(child.attrs.get("href") or child.attrs.get("src") or "") for child in children if child.attrs]


def broken_links(pages: Iterable[Path]) -> list[str]:
    """`page: target` for each link within the repository that leads nowhere."""
    broken = []
    for page in pages:
        for target in targets(page):
            if "://" in target or not target:
                continue
            name, _, place = target.partition("#")
            file = (page.parent / name).resolve() if name else page
            if not file.exists() or (place and file.suffix == ".md" and place not in headings(file)):
                broken.append(f"{page.name}: {target}")
    return broken
