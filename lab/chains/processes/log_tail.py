"""The end of a program's log, as an error quotes it: whatever bytes the program wrote, and however many."""

from __future__ import annotations

import os
from pathlib import Path

LINES = 15
LINE_CHARACTERS = 400
TAIL_BYTES = 64 * 1024


def last_lines(path: Path, lines: int = LINES) -> str:
    """Its last lines as `quoted` has them; those of an empty log where it cannot be read."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
            return quoted(log.read().decode("utf-8", errors="replace"), lines)
    except OSError:
        return quoted("")


def quoted(text: str, lines: int = LINES) -> str:
    """The last lines of a text, indented and cut; what no terminal should be sent is shown as an escape."""
    tail = [_printable(line)[:LINE_CHARACTERS] for line in text.splitlines()[-lines:]]
    return "\n".join(f"  | {line}" for line in tail) or "  | (the log is empty)"


def _printable(line: str) -> str:
    return "".join(char if char.isprintable() or char == "\t" else ascii(char)[1:-1] for char in line)
