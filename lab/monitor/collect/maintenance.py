"""Announced maintenance: a file beside the session that says until when. It ends by itself."""

from __future__ import annotations

import json
from pathlib import Path

from lab.bounded_files import read_object, write_atomically

FILE = "maintenance.json"


def announce(folder: Path, until_s: float, reason: str) -> None:
    """From now until then. Raises OSError."""
    write_atomically(folder / FILE, json.dumps({"until": until_s, "reason": reason}) + "\n")


def end(folder: Path) -> None:
    """Before its time; no error if there is none."""
    (folder / FILE).unlink(missing_ok=True)


def in_force(folder: Path, now_s: float) -> bool:
    """Whether maintenance is announced for this moment; a file of another shape announces nothing."""
    try:
        return now_s < float(read_object(folder / FILE)["until"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return False
