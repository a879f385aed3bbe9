"""From a run's history to its verdict: the checks, the scenario's own expectations, and the proof that faults acted."""

from __future__ import annotations

from collections.abc import Container, Sequence

from lab.checks import CHECKS, Selection, judge, selected
from lab.model.checks import check_name
from lab.model.history import History
from lab.model.records import (
    CUT_SHORT,
    NO_FAILOVER,
    NO_RELAYER,
    RELAYER_ENDED,
    RELAYER_KILLED,
    ROW_LEFT_OUT,
    UNDECIDED,
    Expectation,
    FaultMark,
    FinalRead,
    Lag,
    Note,
    Operation,
)
from lab.model.verdict import CheckResult, RowJudgement, RunVerdict, Verdict, merge


def judge_recorded(history: History, selection: Selection, repeat: str) -> RunVerdict:
    """The verdict with its reasons, worst first: from the history alone, so that evidence can be judged again."""
    notes = history.of(Note)
    blocked = [note.text for note in notes if note.kind in ("blocked", "not exercised", NO_RELAYER)]
    lacking = [note.text for note in notes if note.kind == "lacking"]
    cut_short = [note.text for note in notes if note.kind == CUT_SHORT]
    lacks = lacking + [note.text for note in notes if note.kind == "left out"] + cut_short
    # Where nothing was played each check would say so, at length.
    checks = () if blocked or lacking else _timely(history, judge(history, selection))
    expected = _of_expectations(history)
    shared = [*_of_faults(history), *_of_operations(history), *_of_notes(history)]
    verdicts = [*_of_checks(checks), *(judged for _, judged in expected), *shared]
    verdict, reasons = _merged(verdicts)
    one_endpoint = [note.text for note in notes if note.kind == NO_FAILOVER and verdict is not Verdict.PASS]
    if one_endpoint:
        # Legs that waited for its answers waited in vain; all else is judged as ever.
        checks = tuple(result for result in checks if result.check not in _OF_WAITING)
        expected = _of_expectations(_without_legs_left(history))
        verdicts = [*_of_checks(checks), *(judged for _, judged in expected), *shared]
        verdict, reasons = _merged(verdicts)
    rows = tuple(
        _of_row(row, [*_of_checks(checks), *(judged for rows, judged in expected if not rows or row in rows), *shared])
        for row in sorted({row for rows, _ in expected for row in rows})
    )
    rows += _rows_left_out(notes, {judged.row for judged in rows})
    unasked = _all_unasked(history)
    if any(note.kind == "not exercised" for note in notes):
        verdict = Verdict.NOT_EXERCISED
    if blocked:
        reasons = blocked
    elif unasked and verdict is not Verdict.FAIL:
        verdict, reasons = Verdict.NOT_EXERCISED, [f"not exercised: the relayer never asks for {', '.join(unasked)}"]
    elif lacks and verdict is not Verdict.FAIL and (lacking or cut_short or not history.of(Expectation)):
        # Of a scenario whose last expectations were left out, or all, what is left would be a hollow PASS.
        verdict, reasons = Verdict.NOT_EXERCISED, [f"not exercised: the contract lacks {', '.join(lacks)}"]
    elif one_endpoint and verdict is not Verdict.FAIL:
        verdict, reasons = Verdict.NOT_EXERCISED, [f"not exercised: {'; '.join(one_endpoint)} (`failover` of lab.yaml)"]
    elif not reasons and (undeclared := _undeclared(history, selection)):
        verdict, reasons = Verdict.NOT_EXERCISED, [f"not exercised: the relayer declares no {', '.join(undeclared)}"]
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
        rows=() if blocked or verdict is Verdict.NOT_EXERCISED else rows,
    )


def without_expectations(history: History) -> History:
    """What the checks judge alone."""
    return History(record for record in history.records if not isinstance(record, Expectation))


def _without_legs_left(history: History) -> History:
    """What is judged beside the expectations of legs that the relayer left."""
    return History(record for record in history.records if not (isinstance(record, Expectation) and record.tried))


def shows_failure(history: History) -> bool:
    """Whether a history is FAIL by itself, with the checks that it says were asked for.

    One that lost its end, which the final reads of all its chains are, shows nothing: what came is not there.
    """
    read = {final.chain for final in history.of(FinalRead)}
    if not read or read != history.header.chains.keys():
        return False
    return judge_recorded(history, history.header.checks, "").verdict is Verdict.FAIL


Judged = tuple[Verdict, str]


def _merged(verdicts: Sequence[Judged]) -> tuple[Verdict, list[str]]:
    """The verdict of all, and why it is not PASS, worst first."""
    reasons = [
        reason for expected in (Verdict.FAIL, Verdict.UNKNOWN) for given, reason in verdicts if given is expected
    ]
    return merge(verdict for verdict, _ in verdicts), reasons


def _rows_left_out(notes: Sequence[Note], known: Container[str]) -> tuple[RowJudgement, ...]:
    """Rows of which nothing was looked at, for the contract lacks what they are about."""
    parts = (note.text.partition(": ") for note in notes if note.kind == ROW_LEFT_OUT)
    left = {row: why for row, _, why in parts if row not in known}
    return tuple(RowJudgement(row=row, verdict=Verdict.NOT_EXERCISED, reasons=(why,)) for row, why in left.items())


def _of_row(row: str, verdicts: Sequence[Judged]) -> RowJudgement:
    verdict, reasons = _merged(verdicts)
    return RowJudgement(row=row, verdict=verdict, reasons=tuple(reasons))


# Besides liveness: a flow that is not whole since its second part expired; and what was final, where time makes it so.
_TIMED, _TIMED_FINALITY = ("S9",), ("S2", "S12")
# That legs get on, in time; and what of a relayer is seen at the end alone.
_OF_WAITING, _AT_THE_END = ("L1", "L2", "L3", "L4", "L5"), ("L3", "L4")
# What the lab did later than it was due, by no fault of the system under test.
_LATE = ("late start", "lab late")
_EXPECTED = {True: Verdict.PASS, False: Verdict.FAIL, None: Verdict.UNKNOWN}


# How late the first look after the machine's clock was set may be.
_LOOK_MS = 1_000
_CLOCK_SET = "the machine's clock was set in this run: run it again"


def _clock_set_ms(history: History) -> int | None:
    """From when on times mean nothing, as somebody set the machine's clock; None where nobody did."""
    seen: int | None = min((note.t_ms for note in history.of(Note) if note.kind == "clock"), default=None)
    if seen is None:
        return None
    late_ms: int = max((lag.starved_ms + lag.turns_ms for lag in history.of(Lag)), default=0)
    return seen - _LOOK_MS - late_ms


def _timely(history: History, checks: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
    """What a check of time says FAIL of is UNKNOWN where the clock was set, and of the end where the relayer was gone.

    What is safe or not stays so.
    """
    gone = [note.text for note in history.of(Note) if note.kind in (RELAYER_ENDED, RELAYER_KILLED)]
    doubts = dict.fromkeys(_AT_THE_END, gone[0]) if gone else {}
    if _clock_set_ms(history) is not None:
        final_by_time = any(facts.finality.seconds is not None for facts in history.header.chains.values())
        timed = (*_TIMED, *_TIMED_FINALITY) if final_by_time else _TIMED
        doubts |= dict.fromkeys((*(id for id in CHECKS if id.startswith("L")), *timed), _CLOCK_SET)
    return tuple(
        result.model_copy(update={"verdict": Verdict.UNKNOWN, "reason": f"{result.reason}; {doubts[result.check]}"})
        if result.verdict is Verdict.FAIL and result.check in doubts
        else result
        for result in checks
    )


def _undeclared(history: History, selection: Selection) -> list[str]:
    """What checks that the scenario names could not hold against anybody, for it was not promised."""
    named = [CHECKS[id] for id in selected(selection) if id in selection.added and id in CHECKS]
    return [words for check in named if check.concerns(history) and (words := check.undeclared(history))]


def _of_checks(checks: tuple[CheckResult, ...]) -> list[Judged]:
    judged = [result for result in checks if result.verdict is not Verdict.NOT_EXERCISED]
    return [(result.verdict, f"{check_name(result.check)}: {result.reason}") for result in judged]


def _of_expectations(history: History) -> list[tuple[tuple[str, ...], Judged]]:
    """Each with the rows that alone depend on it."""
    judged = list[tuple[tuple[str, ...], Judged]]()
    clock_set_ms = _clock_set_ms(history)
    lates = [note for note in history.of(Note) if note.kind in _LATE]
    for expectation in history.of(Expectation):
        because = f" ({expectation.because})" if expectation.because else ""
        text = (
            f"{expectation.where} {expectation.id}: expected {expectation.expected}; got {expectation.outcome}{because}"
        )
        late = next((note.text for note in lates if note.t_ms <= expectation.t_ms), None)
        if expectation.met is False and late is not None:
            verdict = Verdict.UNKNOWN, f"{text}; {late}"
        elif expectation.met is False and clock_set_ms is not None and expectation.t_ms >= clock_set_ms:
            verdict = Verdict.UNKNOWN, f"{text}; {_CLOCK_SET}"
        else:
            verdict = _EXPECTED[expectation.met], text
        judged.append((expectation.rows, verdict))
    return judged


def _of_faults(history: History) -> list[Judged]:
    """A fault that never acted proves nothing about the system under it.

    One on questions that a relayer has no need of cannot act, and keeps nobody from the proof of the others.
    """
    return [
        (Verdict.UNKNOWN, f"fault {mark.id} ({mark.fault}) never acted: {mark.proof}")
        for mark in history.of(FaultMark)
        if mark.phase == "heal" and mark.activations == 0 and not mark.unasked
    ]


def _all_unasked(history: History) -> list[str]:
    """The methods of reading that all faults of a run waited for in vain; none where another fault is in it."""
    ends = [mark for mark in history.of(FaultMark) if mark.phase == "heal"]
    return sorted({method for mark in ends for method in mark.unasked}) if all(mark.unasked for mark in ends) else []


def _of_operations(history: History) -> list[Judged]:
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


def _of_notes(history: History) -> list[Judged]:
    notes: list[Note] = history.of(Note)
    ended = [(Verdict.FAIL, note.text) for note in notes if note.kind == RELAYER_ENDED]
    return [*ended, *((Verdict.UNKNOWN, f"{note.kind}: {note.text}") for note in notes if note.kind in UNDECIDED)]
