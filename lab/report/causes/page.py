"""`causes.html` and `causes.json`: each cause once, at length."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from urllib.parse import quote

from lab.evidence.folder import write_atomically
from lab.evidence.newest import runs_of
from lab.html.page import Pages
from lab.html.text import relative_link
from lab.report.causes.find import find_causes
from lab.report.records.cause import CauseReport
from lab.report.records.folder import Folder
from lab.report.run_page.session_index import PAGE, write_session_index

CAUSES_PAGE, CAUSES = "causes.html", "causes.json"


@cache
def _pages() -> Pages:
    return Pages(Path(__file__).with_name("templates"))


def write_causes(report: CauseReport, folder: Path, results: Path) -> Path:
    """Write both files into `folder`; returns the path of the page. Its links lead to the runs in `results`."""
    write_atomically(folder / CAUSES, report.model_dump_json(indent=2) + "\n")
    write_atomically(folder / CAUSES_PAGE, causes_page(report, relative_link(results, folder)))
    return folder / CAUSES_PAGE


def write_session_pages(session: Path, folders: Sequence[Folder] | None = None) -> tuple[Path, CauseReport]:
    """The pages of a session: its causes, its runs, and the index over them, whose path is returned."""
    runs: Sequence[Folder] = folders if folders is not None else runs_of(session)
    causes = find_causes(session.parent, runs, f"session {session.name}")
    page = write_causes(causes, session, session.parent)
    return write_session_index(session, runs, causes=page), causes


def causes_page(report: CauseReport, up: str) -> str:
    """The page as text. `up` leads from the page to the results folder."""
    pages = _pages()
    return pages.render_page(
        "causes.html.j2",
        styles=[pages.asset("base.css"), pages.asset("causes.css")],
        report=report,
        link=lambda folder: f"{up}/{quote(folder, safe='/')}/{PAGE}",
    )
