"""Applies a unified diff exactly: every hunk at the line it names, every context line as it stands there, or nothing.

No fuzz and no offsets, as `patch` and `git apply` have them: a patch that fits somewhere else too would change what
nobody has looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.errors import InvalidFile, Problem

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NO_NEWLINE = "\\ No newline at end of file"
_ADVICE = "make the patch again with `diff -u`, or take the change of the base back"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a hunk: `tag` is " " (context), "-" or "+"; `line` is its place in the patch, from 1."""

    line: int
    tag: str
    text: str


@dataclass(frozen=True, slots=True)
class Hunk:
    """Changes from line `old_start` of the base on, which is line `new_start` of the result; both count from 1."""

    line: int
    old_start: int
    new_start: int
    changes: tuple[Change, ...]


def split_lines(text: str) -> list[str]:
    """Lines with their ends, split at line feeds alone, so that joining them gives the text again."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def parse_hunks(file: str, lines: Sequence[str], start: int) -> tuple[Hunk, ...]:
    """The hunks of a patch file from line `start` (from 0) on. Raises InvalidFile at the first malformed line."""
    hunks: list[Hunk] = []
    at = start
    while at < len(lines):
        if hunks and not lines[at].strip():
            at += 1
            continue
        match = _HUNK.match(lines[at])
        if match is None:
            raise _malformed(file, at, "a hunk header as `@@ -12,7 +12,6 @@`", lines[at])
        old_start, new_start = int(match[1]), int(match[3])
        sizes = [int(match[2] or 1), int(match[4] or 1)]
        changes, end = _parse_changes(file, lines, at + 1, *sizes)
        # A side without lines names the line before it.
        hunks.append(Hunk(at + 1, old_start + (sizes[0] == 0), new_start + (sizes[1] == 0), changes))
        at = end
    if not hunks:
        raise _malformed(file, len(lines), "a hunk header as `@@ -12,7 +12,6 @@`", None)
    return tuple(hunks)


def _parse_changes(file: str, lines: Sequence[str], at: int, old: int, new: int) -> tuple[tuple[Change, ...], int]:
    """As many lines as the header announces, and where the next hunk may begin."""
    changes: list[Change] = []
    while old > 0 or new > 0 or (at < len(lines) and lines[at].startswith("\\")):
        line = lines[at] if at < len(lines) else None
        if line is not None and line.rstrip("\n") == _NO_NEWLINE and changes:
            last = changes[-1]
            changes[-1] = Change(last.line, last.tag, last.text.removesuffix("\n"))
        elif line is not None and line[0] in " -+\n" and old >= (line[0] != "+") and new >= (line[0] != "-"):
            # Editors strip the blank of an empty context line.
            tag, text = (" ", "\n") if line[0] == "\n" else (line[0], line[1:])
            changes.append(Change(at + 1, tag, text))
            old, new = old - (tag != "+"), new - (tag != "-")
        else:
            raise _malformed(file, at, f"{old} more lines of the base and {new} of the result in this hunk", line)
        at += 1
    return tuple(changes), at


def _malformed(file: str, at: int, expected: str, line: str | None) -> InvalidFile:
    got = "the end of the file" if line is None else repr(line.rstrip("\n"))
    return InvalidFile([Problem(file, at + 1, 1, "", f"expected {expected}, got {got}; {_ADVICE}")])


def apply_hunks(file: str, hunks: Sequence[Hunk], base_name: str, base: str) -> str:
    """The base's text with every hunk applied. Raises InvalidFile with each hunk's first line that does not fit.

    `file` names the patch and `base_name` the base, for messages only.
    """
    lines = split_lines(base)
    problems = [problem for hunk in hunks for problem in _misfits(file, hunk, base_name, lines)]
    if problems:
        raise InvalidFile(problems)
    result: list[str] = []
    done = 0
    for hunk in hunks:
        result += lines[done : hunk.old_start - 1]
        done = hunk.old_start - 1 + sum(change.tag != "+" for change in hunk.changes)
        if len(result) + 1 != hunk.new_start or hunk.old_start - 1 > len(lines):
            expected = f"expected this hunk to begin at line {len(result) + 1} of the result, got {hunk.new_start}"
            raise InvalidFile([Problem(file, hunk.line, 1, "", f"{expected}; {_ADVICE}")])
        result += [change.text for change in hunk.changes if change.tag != "-"]
    return "".join(result + lines[done:])


def _misfits(file: str, hunk: Hunk, base_name: str, lines: Sequence[str]) -> Iterator[Problem]:
    """The first line of the hunk that the base does not have, if there is one."""
    number = hunk.old_start
    for change in hunk.changes:
        if change.tag == "+":
            continue
        got = lines[number - 1] if 0 < number <= len(lines) else None
        if got != change.text:
            shown = "the end of the file" if got is None else repr(got)
            message = f"expected {change.text!r} in line {number} of {base_name}, got {shown}; {_ADVICE}"
            yield Problem(file, change.line, 1, "", message)
            return
        number += 1
