"""`lab report`: the readiness report over all sessions and the pages of the latest one, written again from evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lab.commands.release.current import current_of, shipping_contract
from lab.errors import UsageError
from lab.evidence.newest import Selection, latest_session, newest_runs
from lab.html.text import clean
from lab.report.catalogue.rows import CHECKLIST, Stage, load_catalogue
from lab.report.evidence.signature import read_signature
from lab.report.publish import publish
from lab.report.readiness_page.pdf import write_pdf
from lab.report.run_page.session_index import PAGE, write_session_index
from lab.session.under_test import system_under_test

EXIT_CODES = {"GO": 0, "NO-GO": 1, "INCOMPLETE": 3}
MAX_STEPS, MAX_NOTES = 3, 5


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """The command line."""

    results: Path
    stage: Stage
    attestations: Path
    checklist: Path | None
    contract: Path | None
    relayer_cmd: str | None
    release_date: str | None
    pdf: bool


def rebuild(request: ReportRequest) -> int:
    """Write the reports, print the decision with its reasons and the next steps."""
    results = request.results
    if results.exists() and not results.is_dir():
        raise UsageError(f"{results}: expected the results folder, got a file")
    release = parse_day(request.release_date, "--release-date") if request.release_date else None
    catalogue = load_catalogue(request.checklist or CHECKLIST)
    selection = newest_runs(results)
    runs = selection.runs
    system = system_under_test(contract=request.contract, relayer_cmd=request.relayer_cmd, beside=[results])
    shipping = shipping_contract(runs, system)
    under_test = shipping.under_test(system)
    print(under_test.line)
    index = _write_pages(results, selection)
    done = publish(
        results,
        runs,
        catalogue=catalogue,
        baseline=current_of(shipping.sha256, system, under_test),
        stage=request.stage,
        attestations=request.attestations,
        release_date=release,
    )
    report = done.report
    print(f"{report.decision}  stage {request.stage}, {selection}")
    for reason in next(decision for decision in report.stages if decision.stage == request.stage).reasons:
        print(f"  {reason}")
    for problem in report.problems:
        print(f"  {problem}")
    for note in report.notes[:MAX_NOTES]:
        print(f"  note: {note}")
    if len(report.notes) > MAX_NOTES:
        print(f"  note: and {len(report.notes) - MAX_NOTES} more, on the page")
    if not runs:
        print(f"  {results}: no run is recorded: run `pytest scenarios/` first")
    for step in report.path_to_go[:MAX_STEPS]:
        rows = ", ".join(step.rows[:6]) + (f" and {len(step.rows) - 6} more" if len(step.rows) > 6 else "")
        print(f"next       {step.command or step.action}  ({rows})")
    signature = read_signature(results / "readiness")
    if signature is not None and signature.void:
        print(f"signature  VOID: {signature.void}")
    print(f"contract   {clean(shipping.sha256[:16] if shipping.sha256 else 'unknown')} ({shipping.how})")
    if index is not None:
        print(f"runs       {index}")
    print(f"readiness  {done.page}")
    if request.pdf:
        print(f"pdf        {write_pdf(done.page, done.page.with_name('readiness.pdf'))}")
    return EXIT_CODES[report.decision]


def _write_pages(results: Path, selection: Selection) -> Path | None:
    """The latest session's pages, and those of earlier ones that ended without; the latest one's index is returned."""
    if not selection.runs:
        return None
    latest = latest_session(results) or selection.sessions[-1]
    bare = {run.path.parent for run in selection.runs if not (run.path / PAGE).is_file()}
    for session in sorted(bare - {latest}):
        write_session_index(session)
    return write_session_index(latest)


def parse_day(text: str, option: str) -> date:
    """A day. Raises UsageError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: expected a day such as 2027-01-31, got '{clean(text, 40)}'") from None
