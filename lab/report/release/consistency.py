"""Whether a report says what its own rows, its evidence and its pages say: none of the three was changed alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from lab.bounded_files import read_bytes, read_model
from lab.errors import LabError
from lab.evidence import RunFolder
from lab.evidence.load_runs import FILE as ROWS
from lab.evidence.manifest import RunManifest
from lab.evidence.newest import runs_of
from lab.evidence.repository import lab_state
from lab.evidence.seal import DID_NOT_END, differences
from lab.html.text import clean, relative_link
from lab.model.live_evidence import EVIDENCE, LiveEvidence
from lab.model.verdict import Verdict
from lab.paths import real_path
from lab.report.causes.page import CAUSES, CAUSES_PAGE, causes_page
from lab.report.evidence.figures import rows_passed
from lab.report.evidence.signature import REPORT, read_signature
from lab.report.judge.decision import counts_of, decide
from lab.report.readiness_page.files import readiness_page
from lab.report.readiness_page.junit import junit
from lab.report.readiness_page.markdown import readiness_markdown
from lab.report.records.cause import CauseReport
from lab.report.records.report import Readiness, read_readiness
from lab.report.records.row_result import RowEvidence, RowResult
from lab.report.records.row_verdict import RowVerdict
from lab.report.run_page.session_index import session_pages

_PASSED = (RowVerdict.PASS, RowVerdict.LAB_PASS)
_PAGE_BYTES_MAX = 64 << 20
# Name and text of the page of a deployment.
DeploymentPage = Callable[[LiveEvidence], tuple[str, str]]


def read_report(results: Path) -> Readiness:
    """The report of a results folder. Raises OSError or ValueError."""
    return read_readiness(results / "readiness" / REPORT)


def self_contradictions(report: Readiness) -> Iterator[str]:
    """Where its decisions are not what its rows amount to, and a row not what its evidence does."""
    for stage in report.stages:
        if (decided := decide(stage.stage, report.rows, report.problems).decision) != stage.decision:
            yield f"stage {stage.stage} says {stage.decision}, its rows amount to {decided}"
    if not any(stage.stage == report.stage and stage.decision == report.decision for stage in report.stages):
        yield f"it says {report.decision}, which is not the decision of its stage {report.stage}"
    if report.counts != counts_of(report.rows):
        yield "it miscounts its rows"
    for row in report.rows:
        yield from (f"row {row.id} is {row.verdict}, and {reason}" for reason in _against(row))


def _against(row: RowResult) -> Iterator[str]:
    if row.verdict not in _PASSED:
        return
    if row.proofs and not row.evidence:
        yield "names no evidence"
    for shown in row.evidence:
        if shown.verdict is not RowVerdict.PASS:
            yield f"its evidence {clean(shown.folder, 200)} is {shown.verdict}"


def evidence_contradictions(results: Path, report: Readiness) -> Iterator[str]:
    """Evidence that the report calls passed, and that is another run, or none that passed, as it stands there now."""
    for shown in _named(report):
        if shown.verdict is RowVerdict.PASS and shown.scenario:
            yield from _said_of(results, shown, _not_passed)
        elif EVIDENCE in shown.files and not _is_lost(shown):
            yield from _said_of(results, shown, _another_deployment)
    for row in report.rows:
        for shown in row.evidence:
            if shown.verdict is RowVerdict.PASS and _is_measured(shown):
                yield from _said_of(results, shown, partial(_not_measured, row.id))


def evidence_differences(results: Path, report: Readiness) -> Iterator[str]:
    """Evidence that the report names and that is not as its run wrote it."""
    for shown in _named(report):
        yield from _said_of(results, shown, _changed)


def _named(report: Readiness) -> list[RowEvidence]:
    """Each folder once, as passed where any row takes it so."""
    shown = sorted(
        (shown for row in report.rows for shown in row.evidence if shown.folder),
        key=lambda shown: shown.verdict is RowVerdict.PASS,
    )
    return [named for _, named in sorted({named.folder: named for named in shown}.items())]


def _said_of(results: Path, shown: RowEvidence, read: Callable[[Path, RowEvidence], Iterable[str]]) -> list[str]:
    path = results / shown.folder
    if not real_path(path).is_relative_to(real_path(results)):
        return [f"{clean(shown.folder, 200)}: it lies outside of the results"]
    try:
        reasons = list(read(path, shown))
    except (LabError, OSError, ValueError) as error:
        reasons = [str(error)]
    return [clean(f"{shown.folder}: {reason.replace(f'{path}/', '')}", 300) for reason in reasons]


def _changed(path: Path, shown: RowEvidence) -> list[str]:
    if EVIDENCE in shown.files:
        LiveEvidence.read(path / EVIDENCE)
        return []
    if shown.scenario:
        return RunFolder(path).verify()
    return differences(path, (ROWS,)) if RunFolder(path).ended() else [DID_NOT_END]


def _is_measured(shown: RowEvidence) -> bool:
    return bool(shown.folder) and not shown.scenario and EVIDENCE not in shown.files


def _not_measured(row: str, path: Path, shown: RowEvidence) -> Iterator[str]:
    if row not in rows_passed(path):
        yield f"the report calls row {row} passed by it, {ROWS} does not"


def _is_lost(shown: RowEvidence) -> bool:
    """Whether the report itself says that a deployment's evidence does not count."""
    return shown.digest is None and shown.verdict in (RowVerdict.UNKNOWN, RowVerdict.FAIL)


def _another_deployment(path: Path, shown: RowEvidence) -> Iterator[str]:
    if LiveEvidence.read(path / EVIDENCE).digest != shown.digest:
        yield "it is not the deployment that the report speaks of"


def _not_passed(path: Path, shown: RowEvidence) -> Iterator[str]:
    run = RunFolder(path)
    verdict = run.verdict().verdict
    if verdict is not Verdict.PASS:
        yield f"the report calls it passed, it is {verdict}"
    if run.manifest().get("history_digest") != shown.digest:
        yield "it is not the run that the report speaks of"


def page_differences(results: Path, report: Readiness, deployment_page: DeploymentPage) -> Iterator[str]:
    """Pages of the report, and of the deployments that it names, that are not what their data gives."""
    folder = results / "readiness"
    signature = read_signature(folder)
    pages = {
        "index.html": readiness_page(report, "..", signature),
        "readiness.md": readiness_markdown(report, signature),
        "readiness.junit.xml": junit(report),
    }
    yield from (
        f"readiness/{name}: it does not show what {REPORT} says"
        for name, text in pages.items()
        if not _is(folder / name, text)
    )
    yield from _causes_differences(folder, "readiness", results)
    for shown in _named(report):
        if EVIDENCE not in shown.files:
            continue
        here = results / shown.folder
        try:
            name, text = deployment_page(LiveEvidence.read(here / EVIDENCE))
        except OSError:
            continue  # said already of the evidence itself
        if not _is(here / name, text):
            yield f"{clean(shown.folder, 200)}/{name}: it does not show what {EVIDENCE} says"


def _causes_differences(folder: Path, name: str, results: Path) -> Iterator[str]:
    """Of the page of causes in a folder, where there is one."""
    if not os.path.lexists(folder / CAUSES_PAGE):
        return
    try:
        text = causes_page(read_model(folder / CAUSES, CauseReport), relative_link(results, folder))
    except (OSError, ValueError):
        text = ""
    if not _is(folder / CAUSES_PAGE, text):
        yield f"{name}/{CAUSES_PAGE}: it does not show what {CAUSES} says"


def run_page_differences(results: Path, report: Readiness) -> Iterator[tuple[str, list[str]]]:
    """Which pages of each session that the report names are there and not what the evidence gives.

    Before them the lab that made the session, where that is another one than this.
    """
    sessions = {(results / shown.folder).parent for shown in _named(report) if shown.scenario}
    inside = real_path(results)
    for session in sorted(path for path in sessions if path.is_dir() and real_path(path).is_relative_to(inside)):
        name = session.relative_to(results).as_posix()
        different = list(_causes_differences(session, clean(name, 200), results))
        causes = session / CAUSES_PAGE
        try:
            for path, text in session_pages(session, causes=causes if causes.exists() else None):
                if os.path.lexists(path) and (text is None or not _is(path, text)):
                    page = clean(path.relative_to(results).as_posix(), 200)
                    different.append(f"{page}: it does not show what the evidence says")
        except (LabError, OSError, ValueError) as error:
            different.append(f"{clean(name, 200)}: its pages cannot be drawn: {clean(str(error), 200)}")
        yield next(filter(None, map(_made_elsewhere, runs_of(session))), ""), different


def _made_elsewhere(run: RunFolder) -> str:
    try:
        made = RunManifest.read(run.manifest()).lab
    except LabError:
        return ""
    return _elsewhere(made.commit, made.version)


def _is(path: Path, text: str) -> bool:
    try:
        return read_bytes(path, max_bytes=_PAGE_BYTES_MAX) == text.encode()
    except OSError:
        return False


def drawn_elsewhere(report: Readiness) -> str:
    """The lab that wrote the report and its pages, where that is another one than this: it may draw them otherwise."""
    return _elsewhere(report.provenance.lab_commit, report.provenance.lab_version)


def _elsewhere(commit: str | None, version: str | None) -> str:
    here = lab_state()
    if (commit, version) == (here["commit"], here["version"]):
        return ""
    return clean(f"{version or 'unknown'} {(commit or '')[:12]}".strip(), 60)
