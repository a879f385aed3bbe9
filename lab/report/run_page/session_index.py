"""A small page over one session of runs, so that it can be looked at without pytest-html."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.evidence.folder import write_atomically
from lab.evidence.manifest import RunManifest
from lab.evidence.newest import runs_of
from lab.html.text import clean, relative_link
from lab.model.verdict import Verdict
from lab.report.records.folder import Folder
from lab.report.run_page.page import report_page, under_test_line
from lab.report.run_page.pages import run_pages
from lab.report.run_page.trace import trace_text

PAGE, TRACE = "report.html", "trace.json"
_WORST_FIRST = {Verdict.FAIL: 0, Verdict.UNKNOWN: 1, Verdict.NOT_EXERCISED: 2, Verdict.PASS: 3}


@dataclass(frozen=True, slots=True)
class _Line:
    item: str
    name: str
    verdict: Verdict
    reason: str
    link: str


def write_session_index(session_folder: Path, folders: Iterable[Folder] | None = None) -> Path:
    """Write `report.html` and `trace.json` into each run folder and `index.html` over them, whose path is returned.

    Without `folders` every sub-folder that holds a manifest or a verdict is a run.
    """
    runs: list[Folder] = list(folders) if folders is not None else [*runs_of(session_folder)]
    lines = []
    for run in runs:
        _write_trace(run)
        page = run.path / PAGE
        write_atomically(page, report_page(run, back=relative_link(session_folder / "index.html", run.path)))
        lines.append(_line(run, relative_link(page, session_folder)))
    lines.sort(key=lambda line: (_WORST_FIRST[line.verdict], line.item))
    index = session_folder / "index.html"
    counts = {verdict: sum(line.verdict is verdict for line in lines) for verdict in _WORST_FIRST}
    pages = run_pages()
    html = pages.render_page(
        "session.html.j2",
        styles=[pages.asset("base.css")],
        title=session_folder.name,
        lines=lines,
        counts=counts,
        under_test=_under_test(runs),
    )
    write_atomically(index, html)
    return index


def _write_trace(run: Folder) -> None:
    """Beside the page that links to it; where the history cannot be read, the page says so."""
    try:
        write_atomically(run.path / TRACE, trace_text(run.history()))
    except (LabError, OSError, ValueError, KeyError, TypeError, RecursionError):
        (run.path / TRACE).unlink(missing_ok=True)


def _under_test(runs: Iterable[Folder]) -> str:
    for run in runs:
        try:
            return under_test_line(RunManifest.read(run.manifest()))
        except (LabError, OSError, ValueError):
            continue
    return ""


def _line(run: Folder, link: str) -> _Line:
    try:
        name = RunManifest.read(run.manifest()).name or ""
    except (LabError, OSError, ValueError):
        name = ""
    try:
        verdict = run.verdict()
    except (LabError, OSError, ValueError) as error:
        reason = clean(str(error).replace(f"{run.path}/", ""))
        reason = reason if not run.ended() else f"verdict.json cannot be read: {reason}"
        return _Line(run.path.name, name, Verdict.FAIL if run.failed() else Verdict.UNKNOWN, reason, link)
    reason = clean(verdict.reasons[0]) if verdict.reasons else ""
    return _Line(verdict.item, name or verdict.scenario, verdict.verdict, reason, link)
