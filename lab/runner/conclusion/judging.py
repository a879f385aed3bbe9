"""From a run's history to its verdict: the checks, the scenario's own expectations, and the proof that faults acted."""

from __future__ import annotations

from lab.checks import Selection, judge
from lab.model.checks import check_name
from lab.model.history import History
from lab.model.records import Expectation, FaultMark, Note, Operation
from lab.model.verdict import CheckResult, RunVerdict, Verdict, merge
from lab.scenario.item import ScenarioItem


def run_verdict(item: ScenarioItem, history: History, repeat: str) -> RunVerdict:
    """The verdict of a run just finished."""
    return judge_recorded(history, item.checks, repeat)


def judge_recorded(history: History, selection: Selection, repeat: str) -> RunVerdict:
    """The verdict with its reasons, worst first: from the history alone, so that evidence can be judged again."""
    notes = history.of(Note)
    blocked = [note.text for note in notes if note.kind in ("blocked", "not exercised")]
    lacking = [note.text for note in notes if note.kind == "lacking"]
    lacks = lacking + [note.text for note in notes if note.kind == "left out"]
    # Where nothing was played each check would say so, at length.
    checks = () if blocked or lacking else judge(history, selection)
    verdicts: list[tuple[Verdict, str]] = [
        *_of_checks(checks),
        *_of_expectations(history),
        *_of_faults(history),
        *_of_operations(history),
        *_of_notes(history),
    ]
    verdict = merge(verdict for verdict, _ in verdicts)
    if any(note.kind == "not exercised" for note in notes):
        verdict = Verdict.NOT_EXERCISED
    reasons = [reason for wanted in (Verdict.FAIL, Verdict.UNKNOWN) for given, reason in verdicts if given is wanted]
    if blocked:
        reasons = blocked
    elif lacks and verdict is not Verdict.FAIL and (lacking or not history.of(Expectation)):
        # Of a scenario whose every expectation was left out the checks alone would be a hollow PASS.
        verdict, reasons = Verdict.NOT_EXERCISED, [f"not exercised: the contract lacks {', '.join(lacks)}"]
    elif not verdicts:
        reasons = ["nothing was judged: no check found its subject and the scenario expects nothing"]
    return RunVerdict(
        scenario=history.header.scenario,
        item=history.header.item,
        verdict=verdict,
        reasons=tuple(reasons),
        checks=checks,
        repeat=repeat,
        lacks=tuple(lacks),
    )


_EXPECTED = {True: Verdict.PASS, False: Verdict.FAIL, None: Verdict.UNKNOWN}


def _of_checks(checks: tuple[CheckResult, ...]) -> list[tuple[Verdict, str]]:
    judged = [result for result in checks if result.verdict is not Verdict.NOT_EXERCISED]
    return [(result.verdict, f"{check_name(result.check)}: {result.reason}") for result in judged]


def _of_expectations(history: History) -> list[tuple[Verdict, str]]:
    judged = []
    late = next((note.text for note in history.of(Note) if note.kind == "late start"), None)
    for expectation in history.of(Expectation):
        because = f" ({expectation.because})" if expectation.because else ""
        text = (
            f"{expectation.where} {expectation.id}: expected {expectation.expected}; got {expectation.actual}{because}"
        )
        if expectation.met is False and late is not None:
            judged.append((Verdict.UNKNOWN, f"{text}; {late}"))
        else:
            judged.append((_EXPECTED[expectation.met], text))
    return judged


def _of_faults(history: History) -> list[tuple[Verdict, str]]:
    """A fault that never acted proves nothing about the system under it."""
    return [
        (Verdict.UNKNOWN, f"fault {mark.id} ({mark.fault}) never acted: {mark.proof}")
        for mark in history.of(FaultMark)
        if mark.phase == "heal" and mark.activations == 0
    ]


def _of_operations(history: History) -> list[tuple[Verdict, str]]:
    """An operation without a known outcome, and a core operation that never once succeeded."""
    operations: list[Operation] = history.of(Operation)
    judged = [
        (
            Verdict.UNKNOWN,
            f"operation {operation.id} ({operation.function} on {operation.chain}) has no known outcome: "
            f"{operation.revert}",
        )
        for operation in operations
        if operation.outcome == "info"
    ]
    buffers = [operation for operation in operations if operation.function == "buffer_transaction"]
    if buffers and history.header.legs and not any(operation.outcome == "ok" for operation in buffers):
        reason = next((operation.revert for operation in buffers if operation.revert), "no reason given")
        judged.append((Verdict.UNKNOWN, f"buffer_transaction never once succeeded in this run: {reason}"))
    return judged


def _of_notes(history: History) -> list[tuple[Verdict, str]]:
    kinds = ("timeout", "unsupported", "stray", "clock")
    return [(Verdict.UNKNOWN, f"{note.kind}: {note.text}") for note in history.of(Note) if note.kind in kinds]
