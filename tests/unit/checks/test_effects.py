"""Pairing of calls with the events they emitted."""

from __future__ import annotations

import pytest

from lab.model.effects import steps, with_callers

from .calls import admin, buffer, execute, log, resolve
from .histories import PROXY, ROLES, Story, leg

A = leg("flow.a", "two", 20, id=7)
B = leg("flow.b", "two", 20, id=8)


def test_each_call_gets_its_own_event() -> None:
    """Two buffers, a resolve and an execution in one transaction; other events go to nobody."""
    story = Story(A, B)
    made = [buffer(A), buffer(B), resolve(A.tx_id), execute(A.tx_id)]
    story.mine("two", 20, story.tx("two", "operator", *made))
    paired = [(step.function, [each.event for each in step.logs], step.tx_id) for step in steps(story.history(), "two")]
    assert paired == [
        ("buffer_transaction", ["TransactionBuffered"], A.tx_id),
        ("buffer_transaction", ["TransactionBuffered"], B.tx_id),
        ("resolve_dependency", ["TransactionReady"], A.tx_id),
        ("mark_executed", [], A.tx_id),
    ]


def test_an_event_between_two_calls_stays_unexplained() -> None:
    """It is told at its place."""
    story = Story(A, B)
    stray = log("TransactionReady", tx_id=B.tx_id)
    first = buffer(A)
    story.mine("two", 20, story.tx("two", "operator", (first[0], (*first[1], stray)), resolve(A.tx_id), to=PROXY))
    assert [(step.function, step.tx_id) for step in steps(story.history(), "two")] == [
        ("buffer_transaction", A.tx_id),
        (None, B.tx_id),
        ("resolve_dependency", A.tx_id),
    ]


def test_an_event_that_no_call_explains_has_a_caller() -> None:
    """The call before it in its transaction; the first one where it comes before them all."""
    story, stray = Story(A, B), log("TransactionReady", tx_id=B.tx_id)
    first, logs = buffer(A)
    story.mine("two", 20, story.tx("two", "operator", (first, (stray, *logs, stray)), resolve(A.tx_id), to=PROXY))
    assert [(step.function, step.tx_id) for step in with_callers(steps(story.history(), "two"))] == [
        ("buffer_transaction", B.tx_id),
        ("buffer_transaction", A.tx_id),
        ("buffer_transaction", B.tx_id),
        ("resolve_dependency", A.tx_id),
    ]


def test_a_failed_transaction_did_nothing() -> None:
    """Whatever its calls say of themselves."""
    story = Story(A)
    story.mine("two", 20, story.tx("two", "operator", execute(A.tx_id), status=0))
    (step,) = steps(story.history(), "two")
    assert not step.ok


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["TransactionFailed", "EmergencyStop"], []),
        (["EmergencyStop", "TransactionFailed"], []),
        (["TransactionFailed"], ["EmergencyStop", "TransactionFailed"]),
        (["TransactionFailed"], ["TransactionFailed", "EmergencyStop"]),
    ],
    ids=["told after", "told before", "of the second, before", "of the second, after"],
)
def test_a_stop_belongs_to_the_failure_that_trips_the_breaker(first: list[str], second: list[str]) -> None:
    """On either side of it, in a batch too; what a batch did not come to is skipped."""
    story, made = Story(A, B), []
    for flow, names in ((A, first), (B, second)):
        given, _ = resolve(flow.tx_id, failed="Transaction expired")
        events = {"TransactionFailed": {"tx_id": flow.tx_id, "reason": "Transaction expired"}, "EmergencyStop": {}}
        made.append((given, tuple(log(name, **events[name]) for name in names)))
    story.mine("two", 20, story.tx("two", "operator", *made))
    paired = steps(story.history(), "two")
    assert [[each.event for each in step.logs] for step in paired] == [first, second]
    assert [step.skipped for step in paired] == [False, not second]


def test_events_of_another_contract_version_are_left_alone() -> None:
    """An event that is not documented needs no call."""
    story = Story(A)
    extra = log("SomethingElse", value=1)
    made = buffer(A)
    story.mine("two", 20, story.tx("two", "operator", (made[0], (extra, *made[1]))))
    (step,) = steps(story.history(), "two")
    assert [each.event for each in step.logs] == ["TransactionBuffered"]


def test_only_canonical_blocks_have_steps() -> None:
    """An orphaned call is no step."""
    story = Story(A)
    added = admin("add_operator", operator=ROLES["user"])
    story.mine("two", 20, story.tx("two", "owner", added))
    story.reorg(20, "two", 5)
    assert steps(story.history(), "two") == ()
