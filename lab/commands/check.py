"""`lab check`: judges recorded evidence again, with the checks of today and no chain alive."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lab.errors import EvidenceFailure, UsageError
from lab.evidence import RunFolder
from lab.evidence.folder import HISTORY, MANIFEST
from lab.model.verdict import RunVerdict, Verdict
from lab.report.run_page.failure import failure_text
from lab.runner.judging import judge_recorded
from lab.scenario.item import CheckSelection

_SELECTION = TypeAdapter(CheckSelection)
EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1}


def check_folder(path: Path) -> int:
    """Judge one run, or each run of a folder, and print what came out; the exit code of the worst."""
    codes = [_check(run) for run in _runs(path)]
    return next(code for code in (1, 3, 0) if code in codes)


def _runs(path: Path) -> list[RunFolder]:
    names = (MANIFEST, HISTORY)
    if any((path / name).is_file() for name in names):
        return [RunFolder(path)]
    found = sorted({file.parent for name in names for file in path.glob(f"*/{name}")})
    if not found:
        raise UsageError(
            f"{path}: expected a run folder (with {MANIFEST} and {HISTORY}) or a folder of them, "
            "such as results/latest after `pytest scenarios/`"
        )
    return [RunFolder(run) for run in found]


def _check(run: RunFolder) -> int:
    differences = run.verify()
    recorded, history = run.verdict(), run.history()
    verdict = judge_recorded(history, _selection(run), recorded.repeat)
    if differences:
        reasons = (*(f"evidence was changed after the run: {text}" for text in differences), *verdict.reasons)
        worst = Verdict.FAIL if verdict.verdict is Verdict.FAIL else Verdict.UNKNOWN
        verdict = verdict.model_copy(update={"verdict": worst, "reasons": reasons})
    print(_summary(verdict, run.path))
    if verdict.verdict is not recorded.verdict:
        print(f"  the run itself recorded {recorded.verdict}")
    if verdict.verdict is not Verdict.PASS:
        print(f"\n{failure_text(verdict, history)}\n")
    return EXIT_CODES.get(verdict.verdict, 3)


def _selection(run: RunFolder) -> CheckSelection:
    checks = run.manifest().get("checks")
    try:
        return _SELECTION.validate_json(json.dumps(checks), strict=True)
    except ValidationError:
        raise EvidenceFailure(
            f"{run.path / MANIFEST}: expected the scenario's selection of checks under 'checks', got {checks!r:.200}: "
            "run the scenario again with this version"
        ) from None


def _summary(verdict: RunVerdict, path: Path) -> str:
    counts = {found: sum(result.verdict is found for result in verdict.checks) for found in Verdict}
    checks = ", ".join(f"{count} {found}" for found, count in counts.items() if count) or "no checks"
    return f"{verdict.verdict:<8} {verdict.item}  ({checks})  {path}"
