"""A small page over one session of runs, so that it can be looked at without pytest-html."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.evidence.folder import write_atomically
from lab.evidence.newest import runs_of
from lab.html.text import relative_link
from lab.model.checks import name_checks
from lab.model.history import History
from lab.model.verdict import Verdict
from lab.report.records.folder import Folder
from lab.report.run_page.page import report_page, under_test_line
from lab.report.run_page.pages import run_pages
from lab.report.run_page.parts import UNREADABLE, RunParts, read_parts
from lab.report.run_page.trace import trace_text

PAGE, TRACE, INDEX = "report.html", "trace.json", "index.html"
_WORST_FIRST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOT_EXERCISED, Verdict.PASS)


@dataclass(frozen=True, slots=True)
class _Line:
    """A run in the list: `name` is its scenario's title, `item` what identifies it."""

    item: str
    name: str
    verdict: Verdict
    reason: str
    link: str


def write_session_index(
    session_folder: Path, folders: Iterable[Folder] | None = None, *, causes: Path | None = None
) -> Path:
    """Write `report.html` and `trace.json` into each run folder and `index.html` over them, whose path is returned.

    Without `folders` every sub-folder that holds a manifest or a verdict is a run. All pages link to `causes`.
    """
    for path, text in session_pages(session_folder, folders, causes=causes):
        if text is not None:
            write_atomically(path, text)
        else:
            path.unlink(missing_ok=True)
    return session_folder / INDEX


def session_pages(
    session_folder: Path, folders: Iterable[Folder] | None = None, *, causes: Path | None = None
) -> Iterator[tuple[Path, str | None]]:
    """Those files one after the other, with their text; None for one that cannot be drawn. The index comes last."""
    runs: list[Folder] = list(folders) if folders is not None else [*runs_of(session_folder)]
    index = session_folder / INDEX
    names = distinct_names([read_parts(run, with_history=False) for run in runs])
    lines: list[_Line] = []
    under_test = ""
    for run, item in zip(runs, names, strict=True):
        parts = read_parts(run)
        under_test = under_test or under_test_line(parts.made)
        yield run.path / TRACE, _trace(parts.history)
        page = run.path / PAGE
        yield page, report_page(run, parts, back=relative_link(index, run.path), causes=link_to(causes, run.path))
        verdict = parts.verdict
        lines.append(
            _Line(
                item=item,
                name=parts.made.name or (verdict.scenario if verdict else ""),
                verdict=parts.state,
                reason=name_checks(next(iter(verdict.reasons if verdict else parts.unreadable), "")),
                link=relative_link(page, session_folder),
            )
        )
    lines.sort(key=lambda line: (_WORST_FIRST.index(line.verdict), line.item))
    pages = run_pages()
    html = pages.render_page(
        "session.html.j2",
        styles=[pages.asset("base.css")],
        title=session_folder.name,
        lines=lines,
        counts={verdict: sum(line.verdict is verdict for line in lines) for verdict in _WORST_FIRST},
        under_test=under_test,
        causes=link_to(causes, session_folder),
    )
    yield index, html


def link_to(page: Path | None, folder: Path) -> str | None:
    """A link from a page in a folder to another page, where there is one."""
    return relative_link(page, folder) if page is not None else None


def distinct_names(runs: Sequence[RunParts]) -> list[str]:
    """What to call each run of a session: its item; where items repeat, with the file of the scenario or the folder."""
    items = Counter(run.item for run in runs)
    files = Counter((run.item, run.made.scenario_file) for run in runs)

    def name(run: RunParts) -> str:
        if items[run.item] == 1:
            return run.item
        file = run.made.scenario_file
        of = f"{run.item} of {file}" if file else run.item
        return of if file and files[run.item, file] == 1 else f"{of} in {run.folder}"

    return [name(run) for run in runs]


def _trace(history: History | None) -> str | None:
    """Where the history cannot be read, the page says so."""
    try:
        return trace_text(history) if history is not None else None
    except UNREADABLE:
        return None
