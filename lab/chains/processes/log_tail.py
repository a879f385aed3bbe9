"""A program's log: capped while it is written, read from its end, and fit to be shown whatever the program wrote."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from lab.bounded_files import write_atomically
from lab.model.redacted import redact_text

LINES = 15
LINE_CHARACTERS = 400
TAIL_BYTES = 64 * 1024
# What a run keeps of a log that grew beyond the first of these is its end, as long as the second.
LOG_BYTES_MAX = 16 * 1024 * 1024
KEPT_BYTES = 1024 * 1024
# Of a log that is closed: each line of it is searched for secrets, which takes its time.
CLOSED_BYTES = 128 * 1024

Redact = Callable[[str], str]


def last_lines(path: Path, lines: int = LINES, redact: Redact = redact_text) -> str:
    """Its last lines as `quoted` has them; those of an empty log where it cannot be read."""
    return quoted(_end(path, TAIL_BYTES), lines, redact)


def quoted(text: str, lines: int = LINES, redact: Redact = redact_text) -> str:
    """The last lines of a text, indented, without secrets; what no terminal should be sent is shown as an escape."""
    shown = _shown(text.splitlines()[-lines:], redact)
    return "\n".join(f"  | {line}" for line in shown) or "  | (the log is empty)"


def cap_log(path: Path, bytes_max: int = LOG_BYTES_MAX, kept_bytes: int = KEPT_BYTES) -> None:
    """Keep the end of a log that has grown too long. For logs whose writers append."""
    try:
        if path.stat().st_size <= bytes_max:
            return
        with path.open("r+b") as log:
            dropped = log.seek(0, os.SEEK_END) - kept_bytes
            log.seek(dropped)
            end = log.read(kept_bytes)
            log.seek(0)
            log.write(f"[the lab dropped {dropped} bytes before this line]\n".encode())
            log.write(end[end.find(b"\n") + 1 :])
            log.truncate()
    except OSError:
        return


def close_log(path: Path, redact: Redact = redact_text) -> None:
    """Nobody writes to it any more: leave its end as evidence, in lines that can be shown, without secrets."""
    if not path.is_file():
        return
    try:
        cap_log(path, CLOSED_BYTES, CLOSED_BYTES)
        lines = _shown(_end(path, 2 * CLOSED_BYTES).splitlines(), redact)
        write_atomically(path, "".join(f"{line}\n" for line in lines))
    except OSError:
        return


def _end(path: Path, size: int) -> str:
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - size))
            return log.read(size).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _shown(lines: list[str], redact: Redact) -> list[str]:
    """Redacted all at once, for that is quicker, and before they are cut short: half of a secret is one, too."""
    text = redact("\n".join(line[: 4 * LINE_CHARACTERS] for line in lines))
    return (
        ["".join(map(_printable, line[:LINE_CHARACTERS]))[:LINE_CHARACTERS] for line in text.split("\n")]
        if lines
        else []
    )


def _printable(character: str) -> str:
    return character if character.isprintable() or character == "\t" else ascii(character)[1:-1]
