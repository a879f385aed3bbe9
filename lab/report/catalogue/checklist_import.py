"""Turns a release checklist in Markdown into a catalogue: each line becomes a row, to be bound to proofs by hand.

Read are headings, `- [ ] **Item** - detail`, and, under a heading that speaks of risks, `- **Risk** → mitigation`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import UsageError
from lab.report.catalogue.rows import load_catalogue

MAX_BYTES = 2 << 20
MAX_ROWS_IN_A_SECTION = 99
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*$")
_BOX = re.compile(r"\s*[-*+]\s+\[([ xX])\]\s+(.*)$")
_BULLET = re.compile(r"\s*[-*+]\s+(\*\*.*)$")
_BOLD = re.compile(r"\*\*(.+?)\*\*\s*(?:[-\u2013\u2014:\u2192]|->)?\s*(.*)$")
_SUMMARY = re.compile(r"(\d+)\s*/\s*(\d+)\s+items")


@dataclass
class _Section:
    title: str
    risk: bool
    rows: list[tuple[str, str, bool]] = field(default_factory=list)


def import_checklist(source: Path) -> str:
    """The catalogue as YAML text. Raises UsageError for a file without a single checkbox or risk."""
    try:
        data = source.read_bytes()
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{source}: expected a checklist in Markdown, there is no such file") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{source}: expected UTF-8 text, got the byte 0x{data[error.start]:02x}") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"{source}: expected at most {MAX_BYTES:,} bytes, got {len(data):,}")
    document, sections = _read(text)
    sections = [section for section in sections if section.rows]
    if not sections:
        raise UsageError(f"{source}: expected lines such as `- [ ] **Item** - detail`, found none")
    for section in sections:
        if len(section.rows) > MAX_ROWS_IN_A_SECTION:
            raise UsageError(
                f"{source}: expected at most {MAX_ROWS_IN_A_SECTION} lines under '{section.title}': split it"
            )
    summary = _SUMMARY.search(text)
    return "\n".join(_yaml(document or source.stem, sections, summary)) + "\n"


def write_checklist(source: Path, out: Path, *, force: bool) -> int:
    """Write the catalogue, and read it back; the number of its rows."""
    text = import_checklist(source)
    if out.exists() and not force:
        raise UsageError(f"{out}: there is a file of that name already: choose another, or say --force")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    return len(load_catalogue(out).rows)


def _read(text: str) -> tuple[str, list[_Section]]:
    document, sections = "", [_Section("Checklist", False)]
    trail: dict[int, str] = {}
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        heading = _HEADING.match(line)
        if fenced:
            continue
        if heading:
            level, title = len(heading[1]), _plain(heading[2])
            if level == 1 and not document:
                document = title
                continue
            trail = {key: value for key, value in trail.items() if key < level} | {level: title}
            names = [trail[key] for key in sorted(trail)]
            sections.append(_Section(" > ".join(names), any("risk" in name.lower() for name in names)))
            continue
        box, bullet = _BOX.match(line), _BULLET.match(line)
        if box:
            sections[-1].rows.append((*_split(box[2]), box[1] != " "))
            if sections[-1].risk:
                sections[-1].risk = False
        elif bullet and sections[-1].risk:
            sections[-1].rows.append((*_split(bullet[1]), False))
    return document, sections


def _split(text: str) -> tuple[str, str]:
    bold = _BOLD.match(text)
    return (_plain(bold[1]), _plain(bold[2])) if bold else (_plain(text), "")


def _plain(text: str) -> str:
    return re.sub(r"\*\*|`", "", text).strip()


def _yaml(document: str, sections: list[_Section], summary: re.Match[str] | None) -> Iterator[str]:
    yield "# Imported. Bind each row: class, stage, must_pass, depends_on, owner and proofs are yours to set."
    yield "schema_version: 1"
    yield f"document: {_quoted(document)}"
    if summary:
        yield f"summary: {{done: {int(summary[1])}, total: {int(summary[2])}}}"
    yield "sections:"
    taken: set[str] = set()
    for section in sections:
        prefix = _prefix(section.title, taken)
        taken.add(prefix)
        yield f"  - title: {_quoted(section.title)}"
        yield '    owner: ""'
        yield "    rows:"
        for number, (item, detail, ticked) in enumerate(section.rows, start=1):
            kind = "risk" if section.risk else "item"
            yield f"      - {{id: {prefix}-{number:02d}, kind: {kind}, class: lab, stage: lab, must_pass: false,"
            yield f"         claimed: {'true' if ticked else 'false'}, depends_on: [contract, lab],"
            yield f"         item: {_quoted(item)}, detail: {_quoted(detail)},"
            yield '         proof: "to be bound"}'


def _prefix(title: str, taken: set[str]) -> str:
    """Two to four capitals that no other section has: initials first, then whatever is free."""
    words: list[str] = re.findall(r"[A-Za-z]+", title.rsplit(" > ", 1)[-1]) or ["Row"]
    initials = "".join(word[0] for word in words).upper()
    candidates = [initials[:3], (words[0] + "XX")[:3].upper(), initials[:4], (words[-1] + "XX")[:4].upper()]
    for candidate in candidates:
        if 2 <= len(candidate) <= 4 and candidate not in taken:
            return candidate
    stem = (initials + "X")[:2]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    free = (f"{stem}{first}{second}" for first in letters for second in letters)
    return next(prefix for prefix in free if prefix not in taken)


def _quoted(text: str) -> str:
    """A JSON string is a YAML string, too."""
    return json.dumps(text, ensure_ascii=False)
