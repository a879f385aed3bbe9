"""Reads a checklist in Markdown as GitHub shows it: every box that GitHub renders is an item, and no other.

The blocks are markdown-it's. What looks like a box and is none (in a table, a code block, a comment) is named by its
line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

# GitHub's rule: the marker opens the first paragraph of a list item, and white space and a text follow.
_BOX = re.compile(r"\[([ \txX])\]\s+(?=\S)")
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n.*?\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_AFTER_BOLD = re.compile(r"^\s*(?:[-\u2013\u2014:\u2192]|->)?\s*")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]")
# A box as people write it, wherever it stands: not an index, a link, an escape, or a code span that speaks of boxes.
_LOOKS = re.compile(r"(?<![\w\\\]`)])\[[ \t\u00a0xX]\](?![(:\[`])")
# Marks that stand for a box: characters, GitHub's short codes for them, and boxes that a converter escaped.
_MARK = (
    r"(?:[\u25a0-\u25a2\u2610-\u2612\u2705\u2713-\u2718\u274c\u274e\u2b1b\u2b1c]"
    r"|[\U0001f532\U0001f533\U0001f5f5\U0001f5f7\U0001f5f9]"
    r"|:(?:x|\w*(?:check|check_mark|cross_mark|square|square_button)):|\\\[\s*[xX]?\s*\\?\])"
)
# At the start of a line these count as well, and emptier boxes; after a bullet, other brackets and signs.
_BULLETS = r"[\s>|#]*(?:(?:[-*+\u2013\u2014\u2022\u2023\u25aa\u25e6]|\d+[.)])\s*)"
_LOOKS_AT_START = re.compile(
    rf"{_BULLETS}*(?:\[\s*[xX]?\s*\](?![(:\[])|{_MARK}|<input\b)"
    rf"|{_BULLETS}+(?:\[[^\]\d\s]\](?![(:\[])|\([ xX/]\))"
)
_MARK_IN_CELL = re.compile(rf"\|\s*{_MARK}")
# Lists in lists: markdown-it stops at 20 blocks otherwise, and ten lists deep are twenty.
_NESTING_MAX = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a checklist. `line` counts from 1; `ticked` is None for a risk, which has no box."""

    item: str
    detail: str
    ticked: bool | None
    line: int


@dataclass
class Section:
    """A heading with those above it, outermost first, and what stands below it."""

    names: tuple[str, ...]
    entries: list[Entry] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The path of headings."""
        return " > ".join(self.names) or "Checklist"

    @property
    def of_risks(self) -> bool:
        """Whether a heading speaks of risks, which are written without boxes."""
        return any("risk" in name.lower() for name in self.names)


@dataclass
class Document:
    """A whole checklist; `unread` has a sentence for each run of lines that look like boxes and are not read."""

    title: str = ""
    sections: list[Section] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read_markdown(text: str) -> Document:
    """Parse it; a text without any box gives a document without sections."""
    matter = _FRONT_MATTER.match(text)
    if matter is not None:
        # Blank lines in its place: the lines below keep their numbers.
        text = "\n" * matter[0].count("\n") + text[matter.end() :]
    parser = MarkdownIt("commonmark", {"maxNesting": _NESTING_MAX}).enable(["table", "strikethrough"])
    parser.core.ruler.after("block", "boxes", _take_boxes)
    tokens = parser.parse(text)
    document = Document()
    _Reader(document).read(tokens)
    taken = {entry.line for section in document.sections for entry in section.entries if entry.ticked is not None}
    document.sections = [section for section in map(_without_mixed_risks, document.sections) if section.entries]
    document.unread = list(_unread(text, tokens, taken, matter[0] if matter else ""))
    return document


def _take_boxes(state: StateCore) -> None:
    """Between the blocks and their text: take the marker out of the text, where it could be a link, and keep it."""
    for item, paragraph, inline in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        opens = item.type == "list_item_open" and paragraph.type == "paragraph_open"
        if opens and (box := _BOX.match(inline.content)):
            inline.meta["ticked"] = box[1] in "xX"
            inline.content = inline.content[box.end() :]


def _without_mixed_risks(section: Section) -> Section:
    """Where there are boxes, bold bullets are prose between them."""
    boxes = [entry for entry in section.entries if entry.ticked is not None]
    return Section(section.names, boxes) if boxes else section


class _Reader:
    """Walks the blocks once, with the headings that are in force."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.trail: dict[int, str] = {}
        self.outer: list[dict[int, str]] = []
        # The open list items: the text that belongs to each, or None where the item is no row.
        self.items: list[_Open | None] = []

    def read(self, tokens: Sequence[Token]) -> None:
        self._section()
        for index, token in enumerate(tokens):
            if token.type == "heading_open":
                self._heading(int(token.tag[1:]), _plain(tokens[index + 1].children or []))
            elif token.type in ("blockquote_open", "blockquote_close"):
                self._quote(token.type == "blockquote_open")
            elif token.type == "list_item_open":
                self.items.append(self._opened(tokens[index + 1 : index + 3]))
            elif token.type == "list_item_close":
                if (item := self.items.pop()) is not None:
                    item.section.entries[item.place] = item.entry()
            elif token.type == "inline" and tokens[index - 1].type != "heading_open":
                self._text(token)

    def _heading(self, level: int, name: str) -> None:
        if level == 1 and not self.document.title and not self.outer:
            self.document.title = name
            return
        self.trail = {key: value for key, value in self.trail.items() if key < level} | {level: name}
        self._section()

    def _quote(self, opens: bool) -> None:
        """A heading in a quotation is one for the rest of the quotation only."""
        if opens:
            self.outer.append(self.trail)
            return
        within, self.trail = self.trail, self.outer.pop()
        if within != self.trail:
            self._section()

    def _section(self) -> None:
        self.document.sections.append(Section(tuple(self.trail[key] for key in sorted(self.trail))))

    def _opened(self, head: Sequence[Token]) -> _Open | None:
        section = self.document.sections[-1]
        if len(head) < 2 or head[0].type != "paragraph_open" or head[1].map is None:
            return None
        ticked: bool | None = head[1].meta.get("ticked")
        shown = [child for child in head[1].children or [] if child.type != "text" or child.content.strip()]
        is_risk = section.of_risks and bool(shown) and shown[0].type == "strong_open"
        if ticked is None and not is_risk:
            return None
        section.entries.append(Entry("", "", None, 0))
        return _Open(section, len(section.entries) - 1, ticked, head[1].map[0] + 1)

    def _text(self, token: Token) -> None:
        """It belongs to the innermost row around it; what stands in none is prose."""
        item = next((item for item in reversed(self.items) if item is not None), None)
        if item is not None:
            item.texts.append(token.children or [])


@dataclass
class _Open:
    """A row whose list item is not closed yet; it holds its place in the section before the rows nested in it."""

    section: Section
    place: int
    ticked: bool | None
    line: int
    texts: list[list[Token]] = field(default_factory=list)

    def entry(self) -> Entry:
        first, *more = self.texts
        item, detail = _split(first)
        return Entry(item, "; ".join(filter(None, [detail, *map(_plain, more)])), self.ticked, self.line)


def _split(children: list[Token]) -> tuple[str, str]:
    """Item and detail: what is bold at the start, and the rest; without bold the whole is the item."""
    shown = [child for child in children if child.type not in ("text", "softbreak") or child.content.strip()]
    if not shown or shown[0].type != "strong_open":
        return _plain(children), ""
    start = children.index(shown[0])
    closes = ("strong_close", children[start].level)
    end = next(n for n, child in enumerate(children) if n > start and (child.type, child.level) == closes)
    return _plain(children[start:end]).rstrip(" :"), _AFTER_BOLD.sub("", _plain(children[end:]))


def _plain(children: Sequence[Token]) -> str:
    """The text that a reader sees, on one line, without the marks of footnotes."""
    parts = []
    for before, child in zip([None, *children], children, strict=False):
        if child.type == "image":
            parts.append(_plain(child.children or []))
        elif child.type in ("softbreak", "hardbreak") or child.content.startswith("<br"):
            parts.append(" ")
        elif before is not None and before.type == "link_open" and child.content.startswith("^"):
            continue  # A footnote's mark, whose definition Markdown alone takes for an address.
        elif child.type in ("text", "code_inline"):
            parts.append(child.content)
    return " ".join(_FOOTNOTE.sub("", "".join(parts)).split())


def _unread(text: str, tokens: Sequence[Token], taken: set[int], matter: str) -> Iterator[str]:
    """A sentence for each run of lines that hold a box which is no row, with the reason."""
    reasons = _reasons(tokens)
    boxes = [
        (number, "in the front matter") for number, line in enumerate(matter.splitlines(), start=1) if _looks(line)
    ]
    for number, line in enumerate(re.split(r"\r\n?|\n", text), start=1):
        if number in taken:
            if len(_LOOKS.findall(line)) > 1:
                boxes.append((number, "a second box in one line"))
        elif _looks(line):
            boxes.append((number, reasons.get(number, "in a definition, which is not shown")))
    # Lines that follow each other with one reason are one run: their numbers grow as their places do.
    for (_, reason), run in groupby(enumerate(boxes), key=lambda box: (box[1][0] - box[0], box[1][1])):
        numbers = [number for _, (number, _) in run]
        where = f"line {numbers[0]}" if len(numbers) == 1 else f"lines {numbers[0]}-{numbers[-1]}"
        yield f"{where}: not read: {reason}"


def _looks(line: str) -> bool:
    return bool(_LOOKS.search(line) or _LOOKS_AT_START.match(line) or _MARK_IN_CELL.search(line))


def _reasons(tokens: Sequence[Token]) -> dict[int, str]:
    """Why a box in a line is none, by the innermost block that holds the line."""
    reasons: dict[int, str] = {}
    inside_item = 0
    for token in tokens:
        inside_item += {"list_item_open": 1, "list_item_close": -1}.get(token.type, 0)
        if token.type == "html_block":
            reason = "commented out" if token.content.lstrip().startswith("<!--") else "in HTML"
        else:
            reason = {
                "fence": "in a code block",
                "code_block": "in a code block (indented)",
                "heading_open": "in a heading",
                "table_open": "in a table",
                "paragraph_open": "a box is `[ ]` or `[x]`, a space and a text, at the start of a list item"
                if inside_item
                else "not at the start of a list item",
            }.get(token.type, "")
        if reason and token.map is not None:
            reasons |= dict.fromkeys(range(token.map[0] + 1, token.map[1] + 1), reason)
    return reasons
