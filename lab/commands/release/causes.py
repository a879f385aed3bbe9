"""`lab causes`: what the failures of a session come from, from its evidence as it is now."""

from __future__ import annotations

from pathlib import Path

from lab.errors import UsageError
from lab.evidence.newest import latest_session, runs_of, sessions
from lab.html.text import plural
from lab.report.causes.page import CAUSES_PAGE, write_session_pages
from lab.report.causes.terminal import causes_text


def say_causes(path: Path, verbose: bool) -> int:
    """Write the pages of the session again and print its causes; 1 if there are any, else 0. Raises UsageError."""
    session = _session(path)
    _, report = write_session_pages(session)
    for line in causes_text(report, everything=verbose) or [f"no failure in {plural(report.runs, 'run')}"]:
        print(line)
    print(f"\ncauses     {session / CAUSES_PAGE}")
    return 1 if report.causes else 0


def _session(path: Path) -> Path:
    if runs_of(path) and not sessions(path):
        return path
    latest = latest_session(path) or next(reversed(sessions(path)), None)
    if latest is None:
        raise UsageError(f"{path}: expected a session's folder, or a results folder with one in it, found no run there")
    return latest
