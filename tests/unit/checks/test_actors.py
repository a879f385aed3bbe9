"""Whose act a finding is: it stands in the verdict, and nobody has to read the message for it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from lab.checks import CHECKS
from lab.model.history import History
from lab.model.verdict import CheckResult, Finding, RunVerdict
from lab.report.causes.symptoms import symptoms_of

from .calls import execute, mirror, resolve
from .histories import GENESIS, rollup, stored
from .swap import PAY, SETTLE, begin, finish, pay, submitted


def relied(by: str, *, mirrored: bool = True) -> History:
    """A child that somebody makes READY before its parent is final; its mirror is READY there, or is left BUFFERED."""
    story = begin()
    pay(story)
    story.mine("two", 40, story.tx("two", by, mirror(PAY, "two", GENESIS + 66, by)))
    if mirrored:
        story.mine("two", 66, story.tx("two", by, resolve(PAY.tx_id, by)))
    story.mine("two", 68, story.tx("two", by, resolve(SETTLE.tx_id, by)))
    return finish(story, settle="READY")


def executed(by: str) -> History:
    """A child that somebody executes before its parent."""
    story = begin(execution_order="executed")
    pay(story, executed=None)
    story.mine("two", 68, story.tx("two", by, execute(SETTLE.tx_id, by)))
    return finish(story, pay="READY")


def mirrors_payload(given: str) -> History:
    """A mirror whose payload is stored as 0x77, whatever it was."""
    story = begin()
    pay(story)
    submitted(story, "two", 62, mirror(PAY, "two", GENESIS + 66, payload=given))
    copy = stored(PAY, "BUFFERED", target=rollup("two"), timestamp=GENESIS + 66, payload="0x77")
    story.final("one", 100, stored(PAY, "EXECUTED"))
    story.final("two", 100, stored(SETTLE, "BUFFERED", dependency=PAY.tx_id), copy)
    return story.history()


def mirror_executed() -> History:
    """The relayer executes a mirror."""
    story = begin()
    pay(story)
    submitted(story, "two", 62, mirror(PAY, "two", GENESIS + 66))
    submitted(story, "two", 66, resolve(PAY.tx_id, "relayer"))
    submitted(story, "two", 70, execute(PAY.tx_id, "relayer"))
    return story.history()


def late() -> History:
    """A leg that nobody resolves."""
    story = begin()
    story.mine("one", 150)
    story.mine("two", 150)
    return story.history()


@pytest.mark.parametrize(
    ("check", "made", "actor"),
    [
        ("S2", lambda: relied("relayer"), "relayer"),
        ("S2", lambda: relied("operator"), None),
        ("S2", lambda: relied("relayer", mirrored=False), "contract"),
        ("S3", lambda: executed("relayer"), "relayer"),
        ("S3", lambda: executed("operator"), None),
        ("S1", lambda: executed("relayer"), "contract"),
        ("S5", mirror_executed, "relayer"),
        ("L1", late, "relayer"),
    ],
)
def test_a_finding_says_whose_act_it_is(check: str, made: Callable[[], History], actor: str | None) -> None:
    """The contract's where its own storage ruled it out; else that of whoever called it, if that is under test."""
    findings = CHECKS[check].judge(made()).findings
    assert {finding.actor for finding in findings} == {actor}, findings


@pytest.mark.parametrize(("given", "actor"), [("0x77", "relayer"), (PAY.payload, "contract")])
def test_what_the_contract_stores_as_given_is_the_callers(given: str, actor: str) -> None:
    """A mirror's payload that is not its parent's, and one that the contract changed."""
    (finding,) = CHECKS["S7"].judge(mirrors_payload(given)).findings
    assert finding.actor == actor


def test_evidence_without_it_can_be_read() -> None:
    """An earlier version said nothing of it."""
    before = {
        "check": "L1",
        "verdict": "FAIL",
        "reason": "r",
        "findings": [{"message": "m", "t_ms": 1, "chain": "one"}],
    }
    (finding,) = CheckResult.model_validate(before).findings
    assert finding == Finding(message="m", t_ms=1, chain="one", actor=None)


def test_earlier_evidence_blames_no_function_for_what_is_late() -> None:
    """The last call before it was right, and the relayer sent none; of other checks it is what they are about."""
    history = late()
    found = CHECKS["L1"].judge(history)
    for check, function, actor in (("L1", "", "relayer"), ("S4", "buffer_transaction", None)):
        before = tuple(finding.model_copy(update={"actor": None}) for finding in found.findings)
        old = found.model_copy(update={"check": check, "findings": before})
        verdict = RunVerdict(scenario="s", item="s", verdict=old.verdict, reasons=("r",), checks=(old,), repeat="")
        (symptom,) = symptoms_of(verdict, history)
        assert (symptom.function, symptom.actor) == (function, actor)


def test_what_checks_work_out_goes_with_the_history() -> None:
    """Who judges many runs holds one at a time: kept by others, ten long ones took 500 MB."""
    history = relied("relayer")
    for check in CHECKS.values():
        check.judge(history)
    assert history.derived
    there = weakref.ref(history)
    del history
    gc.collect()
    assert there() is None
