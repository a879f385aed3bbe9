"""The last that a relayer of the user's own said, as its run kept it."""

from __future__ import annotations

from pathlib import Path

from lab.bounded_files import tail
from lab.evidence.manifest import RunManifest
from lab.html.text import clean
from lab.model.redacted import redact_text

LOG = Path("logs") / "relayer.log"
LINES_MAX, WIDTH = 8, 200
EMPTY_LOG = "(its log is empty)"


def relayer_log(folder: Path, made: RunManifest) -> tuple[str, ...]:
    """At most LINES_MAX lines, without secrets and control characters; none of the reference relayer.

    What it said several times stands there once, where it said it last.
    """
    if made.relayer.kind != "command":
        return ()
    said = [line for line in tail(folder / LOG, lines=4 * LINES_MAX) if line.strip()]
    lines = list(dict.fromkeys(reversed(said)))[:LINES_MAX][::-1]
    shown = redact_text("\n".join(lines)).split("\n") if lines else [EMPTY_LOG]
    return tuple(clean(line, WIDTH) for line in shown[:LINES_MAX])
