"""The documents as a site that needs no network: `python -m lab.documents.site FOLDER`.

Every page stands alone, with version, commit and the contract's digest; one page searches them all.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from lab.bounded_files import write_atomically
from lab.deploy.compile import compile_contract
from lab.documents.links import anchor
from lab.errors import UsageError
from lab.evidence.repository import lab_state
from lab.html.page import Pages
from lab.paths import CHECKOUT, REFERENCE_CONTRACT
from lab.session.suite import cache_folder

ROOT_PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
# In reading order; what is not named comes after them.
FIRST = (
    "README.md",
    "docs/integration.md",
    "docs/sdk/python/README.md",
    "docs/sdk/javascript/README.md",
    "docs/examples/README.md",
    "docs/api.md",
    "docs/deployment.md",
    "docs/operations.md",
    "docs/security.md",
    "docs/troubleshooting.md",
    "docs/best-practices.md",
    "docs/faq.md",
    "docs/glossary.md",
    "ARCHITECTURE.md",
)
# What a link leads to is nothing that a reader looks for.
_LINK = re.compile(r"\]\([^)]*\)")
_WORDS = re.compile(r"[\w'-]+")


@dataclass(frozen=True, slots=True)
class Page:
    """One document: where it stands in the checkout and in the site, and what its first heading says."""

    source: Path
    name: str
    title: str
    tokens: Sequence[Token]

    @property
    def target(self) -> str:
        """The path within the site."""
        return "index.html" if self.name == "README.md" else f"{self.name.removesuffix('.md')}.html"


@cache
def _pages() -> Pages:
    return Pages(Path(__file__).with_name("templates"))


def build(folder: Path, checkout: Path) -> list[Path]:
    """Write the site; the files of its pages. Raises OSError, and what compiling the reference contract raises."""
    pages = [_read(checkout, name) for name in _names(checkout)]
    state = lab_state()
    contract = compile_contract(REFERENCE_CONTRACT, cache_dir=cache_folder() / "compiled")
    made_of = f"version {state['version']} · commit {(state['commit'] or 'unknown')[:12]}" + (
        " with changes" if state["dirty"] else ""
    )
    written = []
    for page in pages:
        body = _html(page, {one.source: one for one in pages}, folder)
        values = {"page": page, "body": Markup(body), "script": ""}
        written.append(_write(folder, page.target, page.title, pages, made_of, contract.bytecode_sha256, values))
    index = [[page.title, *section] for page in pages for section in _sections(page)]
    script = f"const INDEX = {json.dumps(index).replace('</', '<' + chr(92) + '/')};\n{_pages().asset('search.js')}"
    values = {"page": None, "body": Markup(_pages().asset("search.html")), "script": script}
    return [*written, _write(folder, "search.html", "Search", pages, made_of, contract.bytecode_sha256, values)]


def _names(checkout: Path) -> list[str]:
    docs = [path for path in sorted((checkout / "docs").rglob("*.md")) if "node_modules" not in path.parts]
    names = [*ROOT_PAGES, *(path.relative_to(checkout).as_posix() for path in docs)]
    return [name for name in dict.fromkeys((*FIRST, *names)) if (checkout / name).is_file()]


def _read(checkout: Path, name: str) -> Page:
    source = checkout / name
    tokens = MarkdownIt("commonmark").enable("table").parse(source.read_text(encoding="utf-8"))
    # Comments are for whoever reads the source.
    tokens = [token for token in tokens if token.type != "html_block"]
    title = next((after.content for one, after in _pairs(tokens) if one.type == "heading_open"), name)
    return Page(source, name, title, tokens)


def _pairs(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    return pairwise(tokens)


def _html(page: Page, pages: dict[Path, Page], folder: Path) -> str:
    """The page's body: headings with addresses, links to pages of the site, pictures as data."""
    for one, after in _pairs(page.tokens):
        if one.type == "heading_open":
            one.attrSet("id", anchor(after.content))
    for token in page.tokens:
        for child in token.children or ():
            if child.type == "image":
                picture = (page.source.parent / str(child.attrs["src"])).read_bytes()
                child.attrSet("src", f"data:image/png;base64,{base64.b64encode(picture).decode()}")
            elif child.type == "link_open":
                child.attrSet("href", _link(str(child.attrs["href"]), page, pages, folder))
    return str(MarkdownIt("commonmark").enable("table").renderer.render(list(page.tokens), _options(), {}))


def _options() -> Any:
    return MarkdownIt("commonmark").options


def _link(target: str, page: Page, pages: dict[Path, Page], folder: Path) -> str:
    """Where a link leads within the site; a file that is no page is copied beside them."""
    name, mark, place = target.partition("#")
    if "://" in target or not name:
        return target
    file = (page.source.parent / name).resolve()
    here = (folder / page.target).parent
    if file in pages:
        return os.path.relpath(folder / pages[file].target, here) + mark + place
    path = folder / os.path.relpath(file, page.source.parents[page.name.count("/")])
    if file.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, path)
    return os.path.relpath(path, here) if file.is_file() else "#"


def _sections(page: Page) -> Iterator[tuple[str, str, str]]:
    """(address, heading, text) of everything between two headings."""
    target, heading, words = page.target, page.title, list[str]()
    for before, token in _pairs([Token("", "", 0), *page.tokens]):
        if before.type == "heading_open":
            if words:
                yield target, heading, " ".join(words)
            target, heading, words = f"{page.target}#{anchor(token.content)}", token.content.replace("`", ""), []
        elif token.type in ("inline", "fence", "code_block"):
            words += _WORDS.findall(_LINK.sub("]", token.content))
    yield target, heading, " ".join(words)


def _write(
    folder: Path, target: str, title: str, pages: Sequence[Page], made_of: str, digest: str, values: dict[str, Any]
) -> Path:
    up = "../" * target.count("/")
    path = folder / target
    path.parent.mkdir(parents=True, exist_ok=True)
    script = values.pop("script")
    text = _pages().render_page(
        "page.html.j2",
        styles=[_pages().asset("base.css"), _pages().asset("site.css")],
        script=script,
        title=title,
        navigation=[(one.title, up + one.target, one is values["page"]) for one in pages],
        search=f"{up}search.html",
        home=f"{up}index.html",
        made_of=made_of,
        digest=digest,
        pictures=True,
        **values,
    )
    write_atomically(path, text)
    return path


if __name__ == "__main__":
    if CHECKOUT is None:
        raise UsageError("an installed lab has not all documents: build the site in a checkout")
    written = build(Path(sys.argv[1]).resolve(), CHECKOUT)
    print(f"{len(written)} pages: {written[0]}")
