"""The end of a relayer's log, as an error quotes it: whatever bytes the program wrote, and however many."""

from __future__ import annotations

import os
from pathlib import Path

LINES = 15
LINE_CHARACTERS = 400
TAIL_BYTES = 64 * 1024


def last_lines(path: Path, lines: int = LINES) -> str:
    """Its last lines, indented; what no terminal should be sent is shown as an escape."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
            text = log.read().decode("utf-8", errors="replace")
    except OSError:
        text = ""
    shown = [_printable(line)[:LINE_CHARACTERS] for line in text.splitlines()[-lines:]]
    return "\n".join(f"  | {line}" for line in shown) or "  | (the log is empty)"


def _printable(line: str) -> str:
    return "".join(each if each.isprintable() or each == "\t" else ascii(each)[1:-1] for each in line)
