"""`lab report`: the readiness report over all sessions and the pages of the latest one, written again from evidence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from lab.commands.release.current import attestations_folder, current_of, in_force, scenario_root, shipping_contract
from lab.commands.release.requests import RESULTS, ReportRequest
from lab.errors import UsageError
from lab.evidence.newest import Recorded, Selection, latest_session
from lab.html.text import clean, some
from lab.report.catalogue.rows import CHECKLIST, load_catalogue
from lab.report.causes.page import CAUSES_PAGE, write_session_pages
from lab.report.evidence.signature import REPORT, read_signature
from lab.report.judge.commands import Commands
from lab.report.judge.readiness import Scope
from lab.report.publish import publish
from lab.report.readiness_page.pdf import write_pdf
from lab.report.records.report import Readiness, oversize
from lab.report.run_page.session_index import PAGE
from lab.session.under_test import system_under_test

EXIT_CODES = {"GO": 0, "NO-GO": 1, "INCOMPLETE": 3}
MAX_STEPS, MAX_NOTES, MAX_ROWS = 3, 5, 6


def rebuild(request: ReportRequest) -> int:
    """Write the reports, print the decision with its reasons and the next steps."""
    results, here = request.results, Path.cwd()
    if results.exists() and not results.is_dir():
        raise UsageError(f"{results}: expected the results folder, got a file")
    if not results.exists() and results != RESULTS:
        raise UsageError(f"{results}: expected the results folder, there is none")
    release = parse_day(request.release_date, "--release-date") if request.release_date else None
    catalogue = load_catalogue(request.checklist or CHECKLIST)
    recorded = Recorded(results)
    system = system_under_test(contract=request.contract, relayer_cmd=request.relayer_cmd, beside=[results])
    shipping = shipping_contract(recorded.newest().runs, system)
    under_test = shipping.under_test(system)
    print(under_test.line)
    selection = recorded.newest(in_force(shipping.sha256, system))
    index = _write_pages(results, selection)
    root = scenario_root(selection.runs, results)
    commands = Commands(here, root, results)
    done = publish(
        results,
        selection.runs,
        catalogue=catalogue,
        scope=Scope(
            stage=request.stage,
            generated=datetime.now(UTC),
            baseline=current_of(shipping.sha256, system, under_test, root),
            release_date=release,
            commands=commands,
        ),
        attestations=attestations_folder(request.attestations, system, selection.runs, results),
    )
    print(f"{done.report.decision}  stage {request.stage}, {selection}")
    for line in _reasons(done.report):
        print(f"  {line}")
    if not selection.runs:
        print(f"  {results}: no run is recorded: run `{commands.all_scenarios}` first")
    for step in done.report.path_to_go[:MAX_STEPS]:
        needs = f"; it needs {step.needs}" if step.needs else ""
        print(f"next       {step.command or step.action}  ({some(step.rows, MAX_ROWS)}){needs}")
    for line in _of_signature(results / "readiness"):
        print(f"signature  {line}")
    print(f"contract   {clean(shipping.sha256[:16] if shipping.sha256 else 'unknown')} ({shipping.how})")
    if done.causes.causes:
        print(f"causes     {done.page.with_name(CAUSES_PAGE)} ({done.causes.head})")
    if index is not None:
        print(f"runs       {index}")
    print(f"readiness  {done.page}")
    if request.pdf:
        print(f"pdf        {write_pdf(done.page, done.page.with_name('readiness.pdf'))}")
    return EXIT_CODES[done.report.decision]


def _reasons(report: Readiness) -> Iterator[str]:
    """Why it decides so, what it cannot trust, and what it left out of account."""
    yield from next(stage.reasons for stage in report.stages if stage.stage == report.stage)
    yield from report.problems
    yield from (f"note: {note}" for note in report.notes[:MAX_NOTES])
    if len(report.notes) > MAX_NOTES:
        yield f"note: and {len(report.notes) - MAX_NOTES} more, on the page"


def _of_signature(folder: Path) -> Iterator[str]:
    """What is wrong with the one that is there, and why there can be none."""
    signature = read_signature(folder)
    if signature is not None and signature.void:
        yield f"VOID: {signature.void}"
    if trouble := oversize(folder / REPORT):
        yield f"none can be made: {trouble}"


def _write_pages(results: Path, selection: Selection) -> Path | None:
    """The latest session's pages, and those of earlier ones that ended without; the latest one's index is returned."""
    if not selection.runs:
        return None
    latest = latest_session(results) or selection.sessions[-1]
    bare = {run.path.parent for run in selection.runs if not (run.path / PAGE).is_file()}
    for session in sorted(bare - {latest}):
        write_session_pages(session)
    index, _ = write_session_pages(latest)
    return index


def parse_day(text: str, option: str) -> date:
    """A day. Raises UsageError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: expected a day such as 2027-01-31, got '{clean(text, 40)}'") from None
