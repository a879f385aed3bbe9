"""Announced maintenance: a file beside the session that says until when. It ends by itself."""

from __future__ import annotations

import json
from pathlib import Path

FILE = "maintenance.json"


def announce(folder: Path, until_s: float, reason: str) -> None:
    """From now until then. Raises OSError."""
    path = folder / FILE
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"until": until_s, "reason": reason}) + "\n", encoding="utf-8")
    temporary.replace(path)


def end(folder: Path) -> None:
    """Before its time; no error if there is none."""
    (folder / FILE).unlink(missing_ok=True)


def in_force(folder: Path, now_s: float) -> bool:
    """Whether maintenance is announced for this moment; a file of another shape announces nothing."""
    try:
        return now_s < float(json.loads((folder / FILE).read_text(encoding="utf-8"))["until"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
