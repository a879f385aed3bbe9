"""Which line of the contract decided: the one with the reason or event that a call ended with, in its function."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lab.evidence.contract_source import ContractSource
from lab.html.text import clean
from lab.report.records.cause import QuotedLine

_FUNCTION = re.compile(r"^def\s+(\w+)\s*\(")
# What people read says what is meant, and decides nothing.
_PROSE = re.compile(r"""^[ \t]*(?:#.*|\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3})""", re.MULTILINE)
_PLACE = re.compile(r"\b([\w-]+\.vyi?):(\d+)\b")
LINE_MAX = 160


def quote(source: ContractSource, function: str, says: str) -> QuotedLine | None:
    """The line in `function` that holds what the call said; else the function's own first line.

    `says` is a revert reason or an event. Both may be under other names in the contract. Where it has no such function,
    the whole of the source is looked at, and a line is quoted only if it is the only one.
    """
    function, says = source.own(function), source.own(says)
    inside = list(_lines(source, function))
    if inside:
        said = [line for line in inside if says and says in line.text]
        return said[0] if said else inside[0]
    everywhere = [line for line in _lines(source, None) if says and says in line.text]
    return everywhere[0] if len(everywhere) == 1 else None


def quote_place(source: ContractSource, text: str) -> QuotedLine | None:
    """The line that a text names as `Mine.vy:91`."""
    match = _PLACE.search(text)
    if match is None:
        return None
    lines = [line for line in _lines(source, None) if line.place == match[0]]
    return lines[0] if lines else QuotedLine(place=match[0], text="")


def _lines(source: ContractSource, function: str | None) -> Iterator[QuotedLine]:
    """Of one function from its `def` on, or of everything; comments and docstrings are empty lines."""
    for file in source.files:
        current = None
        code = _PROSE.sub(lambda prose: "\n" * prose[0].count("\n"), file.text)
        for number, text in enumerate(code.splitlines(), 1):
            if text[:1] not in ("", " ", "\t", ")"):
                match = _FUNCTION.match(text)
                current = match[1] if match else None
            if function is None or current == function:
                yield QuotedLine(place=f"{file.name}:{number}", text=clean(text.strip(), LINE_MAX))
