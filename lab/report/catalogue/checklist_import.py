"""Turns a release checklist in Markdown into a catalogue: each line becomes a row, to be bound to proofs by hand.

Read are the boxes that GitHub shows, and, under a heading that speaks of risks, `- **Risk** → mitigation`; how, is in
`lab.report.catalogue.checklist_markdown`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from lab.bounded_files import read_bytes, write_atomically
from lab.errors import UsageError
from lab.report.catalogue.checklist_markdown import Document, Section, read_markdown
from lab.yamlsource import quoted

MAX_BYTES = 8 << 20
# For each opening bracket the rest of its paragraph is searched for the end of a link.
BRACKETS_MAX = 1_000
_BLOCK_END = re.compile(r"[\r\n]+[ \t]*(?=[\r\n]|[-*+#|>]|\d+[.)])")
_SUMMARY = re.compile(r"(\d+)\s*/\s*(\d+)\s+items")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Imported:
    """A catalogue as YAML text, its rows' number, and a sentence for each box that was not read, with its line."""

    text: str
    rows: int
    unread: tuple[str, ...]


def import_checklist(source: Path) -> Imported:
    """The catalogue. Raises UsageError for a file without a single checkbox or risk."""
    text = _text(source)
    document = read_markdown(text)
    if not document.sections:
        unread = "".join(f"\n  {line}" for line in document.unread)
        raise UsageError(f"{source}: expected lines such as `- [ ] **Item** - detail`, found none{unread}")
    rows = sum(len(section.entries) for section in document.sections)
    yaml = "\n".join(_yaml(document, source.stem, _SUMMARY.search(text))) + "\n"
    return Imported(yaml, rows, tuple(document.unread))


def write_checklist(source: Path, out: Path, *, force: bool) -> Imported:
    """Write the catalogue. Raises UsageError where a file of that name exists, unless `force` is set."""
    imported = import_checklist(source)
    if out.exists() and not force:
        raise UsageError(f"{out}: there is a file of that name already: choose another, or say --force")
    write_atomically(out, imported.text)
    return imported


def _text(source: Path) -> str:
    try:
        data = read_bytes(source, max_bytes=MAX_BYTES)
        text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{source}: expected a checklist in Markdown, there is no such file") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{source}: expected UTF-8 text, got the byte 0x{data[error.start]:02x}") from None
    if any(block.count("[") > BRACKETS_MAX for block in _BLOCK_END.split(text)):
        raise UsageError(f"{source}: expected at most {BRACKETS_MAX} opening brackets in one paragraph, got more")
    return text


def _yaml(document: Document, name: str, summary: re.Match[str] | None) -> Iterator[str]:
    yield "# Imported. Bind each row: class, stage, must_pass, depends_on, owner and proofs are yours to set."
    yield "schema_version: 1"
    yield f"document: {quoted(document.title or name)}"
    if summary:
        yield f"summary: {{done: {int(summary[1])}, total: {int(summary[2])}}}"
    yield "sections:"
    taken: set[str] = set()
    for section in document.sections:
        yield from _section_yaml(section, taken)


def _section_yaml(section: Section, taken: set[str]) -> Iterator[str]:
    prefix = _prefix(section.names[-1] if section.names else "Checklist", taken)
    taken.add(prefix)
    yield f"  - title: {quoted(section.title)}"
    yield '    owner: ""'
    yield "    rows:"
    for number, entry in enumerate(section.entries, start=1):
        kind = "risk" if entry.ticked is None else "item"
        yield f"      - {{id: {prefix}-{number:02d}, kind: {kind}, class: lab, stage: lab, must_pass: false,"
        yield f"         claimed: {'true' if entry.ticked else 'false'}, depends_on: [contract, lab],"
        yield f"         item: {quoted(entry.item)}, detail: {quoted(entry.detail)},"
        yield '         proof: "to be bound"}'


def _prefix(title: str, taken: set[str]) -> str:
    """Two to four capitals that no other section has: initials first, then whatever is free."""
    words: list[str] = re.findall(r"[A-Za-z]+", title) or ["Row"]
    initials = "".join(word[0] for word in words).upper()
    candidates = [initials[:3], (words[0] + "XX")[:3].upper(), initials[:4], (words[-1] + "XX")[:4].upper()]
    for candidate in candidates:
        if 2 <= len(candidate) <= 4 and candidate not in taken:
            return candidate
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    stem = (initials + "X")[:2]
    free = ("".join(rest) for size in (2, 4) for rest in product(letters, repeat=size))
    return next(prefix for rest in free if (prefix := (stem + rest)[-4:]) not in taken)
