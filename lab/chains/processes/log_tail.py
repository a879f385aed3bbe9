"""A program's log, read from its end, and fit to be shown whatever the program wrote."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from lab.model.redacted import redact_text

LINES = 15
LINE_CHARACTERS = 400
# Of a line that is searched for secrets.
SEARCHED_CHARACTERS = 4 * LINE_CHARACTERS
TAIL_BYTES = 64 * 1024
EMPTY = "(the log is empty)"
# `KeyError: 'x'`, `Error: Cannot find module`, `thread 'main' panicked at`, `ERROR`, `fatal error:`.
_NAMES_AN_ERROR = re.compile(r"\w*(?:Error|Exception)\b(?!\()|\bpanicked\b|\b(?:ERROR|FATAL|error|fatal)\b")

Redact = Callable[[str], str]


def last_lines(path: Path, lines: int = LINES, redact: Redact = redact_text) -> str:
    """Its last lines as `quoted` has them; those of an empty log where it cannot be read."""
    return quoted(_end(path, TAIL_BYTES), lines, redact)


def quoted(text: str, lines: int = LINES, redact: Redact = redact_text) -> str:
    """The last lines of a text, indented, without secrets; what no terminal should be sent is shown as an escape."""
    shown = fit_lines(text.splitlines()[-lines:], redact)
    return "\n".join(f"  | {line}" for line in shown) or f"  | {EMPTY}"


def telling_line(said: str) -> str:
    """Of lines as `quoted` has them the last one that names an error, else the last one; empty for an empty log."""
    lines = [line.removeprefix("  | ").strip() for line in said.splitlines()]
    lines = [line for line in lines if line and line != EMPTY]
    return next((line for line in reversed(lines) if _NAMES_AN_ERROR.search(line)), lines[-1] if lines else "")


def whole_lines(end: bytes, before: int) -> str:
    """The text of a log's end from the first line that is whole: half of a secret is one, too.

    `before` is how many bytes stand before that end.
    """
    if before:
        _, newline, whole = end.partition(b"\n")
        end = whole if newline else f"[a line of more than {len(end)} bytes]".encode()
    return end.decode("utf-8", errors="replace")


def _end(path: Path, size: int) -> str:
    try:
        with path.open("rb") as log:
            before = log.seek(max(0, log.seek(0, os.SEEK_END) - size))
            return whole_lines(log.read(size), before)
    except OSError:
        return ""


def fit_lines(lines: list[str], redact: Redact) -> list[str]:
    """The lines, cut short and in characters that can be shown.

    Redacted all at once, for that is quicker, and before they are cut short: half of a secret is one, too.
    """
    if not lines:
        return []
    text = redact("\n".join(map(_bounded, lines)))
    return ["".join(map(_printable, line[:LINE_CHARACTERS]))[:LINE_CHARACTERS] for line in text.split("\n")]


def _bounded(line: str) -> str:
    """Enough of a line, up to a whole word: what is hidden may bring the place of the cut to where it is seen."""
    if len(line) <= SEARCHED_CHARACTERS:
        return line
    start = line[:SEARCHED_CHARACTERS]
    return (start.rpartition(" ")[0] or start) + " ..."


def _printable(character: str) -> str:
    return character if character.isprintable() or character == "\t" else ascii(character)[1:-1]
