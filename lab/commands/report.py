"""`lab report`: the readiness report and the pages of the latest runs, written again from evidence."""

from __future__ import annotations

from pathlib import Path

from lab.errors import LabError, UsageError
from lab.evidence import RunFolder
from lab.report.index import write_session_index
from lab.report.readiness import build_readiness
from lab.report.readiness_files import write_readiness
from lab.report.rows import Stage, load_catalogue
from lab.session.suite import LATEST

EXIT_CODES = {"GO": 0, "NO-GO": 1, "INCOMPLETE": 3}


def rebuild(results: Path, stage: Stage) -> int:
    """Write the reports, print the decision with its reasons. Raises UsageError where nothing is recorded."""
    latest = results / LATEST
    # The run's own name, not `latest`, is what evidence is called by.
    session = results / latest.resolve().name if latest.is_symlink() else latest
    runs = [RunFolder(path.parent) for path in sorted(session.glob("*/manifest.json"))]
    if not runs:
        raise UsageError(f"{latest}: expected recorded runs, found none: run `pytest scenarios/` first")
    index = write_session_index(session, runs)
    report = build_readiness(load_catalogue(), runs, contract_sha256=_contract(runs), results=results, stage=stage)
    page = write_readiness(report, results / "readiness", results=results)
    print(f"{report.decision}  stage {stage}, {len(runs)} runs")
    for reason in next(decision for decision in report.stages if decision.stage == stage).reasons:
        print(f"  {reason}")
    for problem in report.problems:
        print(f"  {problem}")
    print(f"runs       {index}\nreadiness  {page}")
    return EXIT_CODES[report.decision]


def _contract(runs: list[RunFolder]) -> str | None:
    """The bytecode of the first run that tells it; runs with another one are then STALE."""
    for run in runs:
        try:
            found = run.manifest()["contract"]["bytecode_sha256"]
        except (LabError, KeyError, TypeError):
            continue
        if isinstance(found, str):
            return found
    return None
