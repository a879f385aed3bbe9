"""From records to a verdict: what makes a run FAIL, what makes it UNKNOWN, and in which order the reasons stand."""

from __future__ import annotations

from typing import Any

import pytest

from lab.checks.verdict import judge_recorded
from lab.model.chain.finality import Finality
from lab.model.checks import CheckSelection
from lab.model.record_parts.fault_effects import FaultEffects
from lab.model.records import AnyRecord, Expectation, FaultMark, Lag, Note, Operation
from lab.model.verdict import CheckResult, RunVerdict, Verdict

from ..model.test_history import header, history

NO_CHECKS = CheckSelection(default=False, added=(), removed=())
MET = Expectation(t_ms=1, id="e", where="s.yaml:3:5", expected="x", actual="x", met=True)
UNMET = Expectation(t_ms=1, id="e", where="s.yaml:3:5", expected="READY", actual="EMPTY", met=False, because="it must")

LEFT = UNMET.model_copy(update={"tried": "the relayer sent nothing at all on a"})


def judged(*records: AnyRecord, checks: CheckSelection = NO_CHECKS) -> RunVerdict:
    """The verdict over these lines after a header with one leg."""
    return judge_recorded(history(*records), checks, "pytest s.yaml::s")


def mark(phase: Any, activations: int = 0, unasked: tuple[str, ...] = ()) -> FaultMark:
    """A fault's begin or end."""
    effects = FaultEffects(chains=("a",)) if phase == "inject" else None
    return FaultMark(
        t_ms=1,
        id="f",
        fault="reorg",
        chain="a",
        phase=phase,
        activations=activations,
        proof="0 blocks",
        unasked=unasked,
        effects=effects,
    )


def operation(outcome: Any, function: str = "buffer_transaction", revert: str | None = None) -> Operation:
    """A client operation that ended."""
    return Operation(
        t_ms=1,
        id="o",
        actor="operator",
        chain="a",
        function=function,
        args={},
        end_ms=2,
        outcome=outcome,
        revert=revert,
    )


def note(kind: str, text: str) -> Note:
    """A mark on the time line."""
    return Note(t_ms=1, kind=kind, text=text)


@pytest.mark.parametrize(
    ("records", "verdict", "reasons"),
    [
        ([MET], Verdict.PASS, []),
        ([MET, UNMET], Verdict.FAIL, ["s.yaml:3:5 e: expected READY; got EMPTY (it must)"]),
        ([MET, mark("inject"), mark("heal", 1)], Verdict.PASS, []),
        ([MET, mark("inject"), mark("heal")], Verdict.UNKNOWN, ["fault f (reorg) never acted: 0 blocks"]),
        ([UNMET, mark("heal")], Verdict.FAIL, ["s.yaml:3:5 e", "fault f"]),
        ([MET, mark("heal", unasked=("eth_getLogs",)), mark("heal", 1)], Verdict.PASS, []),
        (
            [MET, mark("heal", unasked=("eth_getLogs",)), mark("heal")],
            Verdict.UNKNOWN,
            ["fault f (reorg) never acted: 0 blocks"],
        ),
        (
            [MET, mark("heal", unasked=("eth_getLogs",))],
            Verdict.NOT_EXERCISED,
            ["not exercised: the relayer never asks for eth_getLogs"],
        ),
        ([UNMET, mark("heal", unasked=("eth_getLogs",))], Verdict.FAIL, ["s.yaml:3:5 e"]),
        ([MET, note("relayer ended", "it ended: KeyError")], Verdict.FAIL, ["it ended: KeyError"]),
        ([MET, note("relayer killed", "by SIGKILL")], Verdict.UNKNOWN, ["relayer killed: by SIGKILL"]),
        ([note("no relayer", "it never asked")], Verdict.UNKNOWN, ["it never asked"]),
        ([MET, note("no failover", "it asks one endpoint alone of a")], Verdict.PASS, []),
        ([UNMET, note("no failover", "it asks one endpoint alone of a")], Verdict.FAIL, ["s.yaml:3:5 e"]),
        (
            [LEFT, note("no failover", "it asks one endpoint alone of a")],
            Verdict.NOT_EXERCISED,
            ["not exercised: it asks one endpoint alone of a (`failover` of lab.yaml)"],
        ),
        ([MET, operation("ok"), operation("fail", revert="x")], Verdict.PASS, []),
        (
            [MET, operation("fail", revert="Not authorized")],
            Verdict.UNKNOWN,
            ["buffer_transaction never once succeeded in this run: Not authorized"],
        ),
        ([MET, operation("fail", "mark_executed")], Verdict.PASS, []),
        (
            [MET, operation("ok"), operation("info", "mark_executed", "not mined")],
            Verdict.UNKNOWN,
            ["operation o (mark_executed on a) has no known outcome: not mined"],
        ),
        ([MET, Note(t_ms=1, kind="timeout", text="x")], Verdict.UNKNOWN, ["timeout: x"]),
        ([Note(t_ms=1, kind="not exercised", text="no promtool")], Verdict.NOT_EXERCISED, ["no promtool"]),
        ([MET, Note(t_ms=1, kind="late", text="x")], Verdict.PASS, []),
        ([], Verdict.UNKNOWN, ["nothing was judged"]),
        ([mark("inject")], Verdict.UNKNOWN, ["nothing was judged"]),
    ],
)
def test_verdicts(records: list[AnyRecord], verdict: Verdict, reasons: list[str]) -> None:
    """Each reason at its place, failures first."""
    found = judged(*records)
    assert found.verdict is verdict
    assert len(found.reasons) == len(reasons)
    for reason, beginning in zip(found.reasons, reasons, strict=True):
        assert reason.startswith(beginning)
    assert (found.scenario, found.item, found.repeat) == ("s", "s", "pytest s.yaml::s")


def test_a_named_check_without_a_subject_is_unknown() -> None:
    """By default it is not exercised and not merged."""
    silent = judged(MET, checks=CheckSelection(default=True, added=(), removed=()))
    assert {check.verdict for check in silent.checks} <= {Verdict.NOT_EXERCISED, Verdict.PASS, Verdict.UNKNOWN}
    named = judged(MET, checks=CheckSelection(default=False, added=("S7",), removed=()))
    assert [check.check for check in named.checks] == ["S7"]
    assert named.verdict is Verdict.UNKNOWN
    assert named.reasons[0].startswith("S7 payload: the scenario names this check")


def test_the_verdict_is_that_of_the_file(tmp_path: Any) -> None:
    """Judged again from written lines it is the same: nothing but the history has a say."""
    from lab.evidence import Recorder, RunFolder

    recorder = Recorder(tmp_path / "history.jsonl")
    for record in history(MET, UNMET, mark("heal")).records:
        recorder.add(record)
    recorder.close()
    again = judge_recorded(RunFolder(tmp_path).history(), NO_CHECKS, "pytest s.yaml::s")
    assert again == judged(MET, UNMET, mark("heal"))


def test_what_could_not_be_looked_at_is_unknown() -> None:
    """A condition on a chain that was down says nothing about the system, so it fails nothing."""
    unclear = Expectation(
        t_ms=1_000, id="expect#1", where="a.yaml:1:1", expected="x READY", actual="the node is down", met=None
    )
    verdict = judged(unclear)
    assert verdict.verdict is Verdict.UNKNOWN
    assert "the node is down" in verdict.reasons[0]


def test_a_run_that_began_late_cannot_be_held_to_its_expectations() -> None:
    """The machine took too long for the start: what was due before came late, whoever's relayer it is."""
    late = Note(t_ms=1, kind="late start", text="the relayer was ready 10.0 s after the run's beginning")
    assert judged(late, MET).verdict is Verdict.PASS
    verdict = judged(late, UNMET)
    assert verdict.verdict is Verdict.UNKNOWN
    assert "ready 10.0 s after" in verdict.reasons[0]


def test_what_follows_a_late_step_of_the_lab_is_in_doubt() -> None:
    """And only that: what was judged before it stands; a step late by the scenario's own doing excuses none."""
    late = Note(t_ms=5_000, kind="lab late", text="pause#2 was due at 3.000 s and came late, by 2.000 s")
    before, after = (UNMET.model_copy(update={"t_ms": t_ms}) for t_ms in (4_999, 5_000))
    assert judged(late, before).verdict is Verdict.FAIL
    verdict = judged(late, after)
    assert (verdict.verdict, "came late, by 2.000 s" in verdict.reasons[0]) == (Verdict.UNKNOWN, True)
    assert judged(late.model_copy(update={"kind": "late"}), after).verdict is Verdict.FAIL
    assert judged(late, MET).verdict is Verdict.PASS


CLOCK = Note(t_ms=20_000, kind="clock", text="the machine's clock was set by +3600.0 s")


@pytest.mark.parametrize(
    ("t_ms", "verdict"), [(5_000, Verdict.FAIL), (20_500, Verdict.UNKNOWN), (19_500, Verdict.UNKNOWN)]
)
def test_nothing_fails_by_a_clock_that_was_set(t_ms: int, verdict: Verdict) -> None:
    """An expectation that was not met from then on, as far as a late look can tell, is UNKNOWN; one before is not."""
    unmet = UNMET.model_copy(update={"t_ms": t_ms})
    assert judged(unmet, CLOCK).verdict is verdict
    assert judged(unmet).verdict is Verdict.FAIL


def test_a_late_machine_sees_a_clock_that_was_set_later() -> None:
    """By as much as it was late anywhere."""
    unmet = UNMET.model_copy(update={"t_ms": 15_000})
    assert judged(unmet, Lag(t_ms=16_000, turns_ms=2_000, starved_ms=4_000), CLOCK).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("by_time", [True, False])
def test_checks_of_time_do_not_fail_by_a_clock_that_was_set(monkeypatch: pytest.MonkeyPatch, *, by_time: bool) -> None:
    """Those of liveness, of whole flows, and of what is final where time makes it so; others of safety still fail."""
    first = header(Finality(seconds=2) if by_time else Finality(blocks=2))
    expected = {"L4": True, "S9": True, "S2": by_time, "S12": by_time, "S5": False}
    for name, timed in expected.items():
        result = CheckResult(check=name, verdict=Verdict.FAIL, reason="it is so")
        monkeypatch.setattr("lab.checks.verdict.judge", lambda *_, result=result: (result,))
        verdict = judge_recorded(history(CLOCK, first=first), NO_CHECKS, "pytest s.yaml::s").verdict
        assert verdict is (Verdict.UNKNOWN if timed else Verdict.FAIL)
        assert judged(MET).verdict is Verdict.FAIL
