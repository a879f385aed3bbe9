"""`lab check`: judges recorded evidence again, with the checks of today and no chain alive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lab.bounded_files import UnfitFile
from lab.checks.verdict import judge_recorded
from lab.errors import EvidenceFailure, UsageError
from lab.evidence import RunFolder
from lab.evidence.folder import HISTORY, MANIFEST
from lab.evidence.manifest import RunManifest
from lab.evidence.newest import all_runs_of
from lab.evidence.seal import DID_NOT_END
from lab.html.text import clean
from lab.model.checks import CheckSelection
from lab.model.history import History
from lab.model.records import FaultMark
from lab.model.verdict import RunVerdict, Verdict
from lab.report.evidence.runs import fails_again
from lab.report.run_page.failure import failure_text
from lab.report.run_page.relayer_log import relayer_log

_SELECTION = TypeAdapter(CheckSelection)
EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1}


def check_folder(path: Path) -> int:
    """Judge one run, or each run of a folder, and print what came out; the exit code of the worst.

    A run that cannot be read is UNKNOWN, or FAIL where a part of it still says so, and the next one is judged.
    """
    codes = [EXIT_CODES.get(_check(run), 3) for run in _runs(path)]
    return next(code for code in (1, 3, 0) if code in codes)


def _runs(path: Path) -> list[RunFolder]:
    if any((path / name).is_file() for name in (MANIFEST, HISTORY)) or RunFolder(path).outcome().is_failure:
        return [RunFolder(path)]
    runs = all_runs_of(path)
    if not runs:
        raise UsageError(
            f"{path}: expected a run folder (with {MANIFEST} and {HISTORY}) or a folder of them, "
            "such as results/latest after `pytest scenarios/`"
        )
    return runs


def _check(run: RunFolder) -> Verdict:
    try:
        return _judge(run)
    except (EvidenceFailure, UnfitFile) as error:
        verdict = Verdict.FAIL if run.failed() or fails_again(run) else Verdict.UNKNOWN
        print(f"{verdict:<8} {run.path.name}  {run.path}\n  {clean(str(error), 600)}")
        return verdict


def _judge(run: RunFolder) -> Verdict:
    if not run.ended():
        raise EvidenceFailure(DID_NOT_END)
    differences = run.verify()
    recorded, history = run.verdict(), run.history()
    verdict = judge_recorded(history, _selection(run), recorded.repeat)
    differences += [f"{run.path / MANIFEST}: {text}" for text in _contradictions(run, history)]
    if differences:
        reasons = (*(f"evidence was changed after the run: {text}" for text in differences), *verdict.reasons)
        worst = Verdict.FAIL if verdict.verdict is Verdict.FAIL or run.failed() else Verdict.UNKNOWN
        verdict = verdict.model_copy(update={"verdict": worst, "reasons": reasons})
    print(_summary(verdict, run.path))
    if verdict.verdict is not recorded.verdict:
        print(f"  the run itself recorded {recorded.verdict}")
    if verdict.verdict is not Verdict.PASS:
        print(f"\n{failure_text(verdict, history, relayer_log(run.path, RunManifest.read(run.manifest())))}\n")
    return verdict.verdict


def _contradictions(run: RunFolder, history: History) -> Iterator[str]:
    """What the manifest says of faults, beside the history."""
    stated = RunManifest.read(run.manifest()).faults
    healed = [(mark.id, mark.fault, mark.activations) for mark in history.of(FaultMark) if mark.phase == "heal"]
    if sorted(healed) != sorted((fault.id or "", fault.fault or "", fault.activations) for fault in stated):
        yield f"its faults are not those of {HISTORY}"


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
    counts = {word: sum(result.verdict is word for result in verdict.checks) for word in Verdict}
    checks = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "no checks"
    return f"{verdict.verdict:<8} {verdict.item}  ({checks})  {path}"
