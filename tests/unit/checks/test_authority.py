"""S6: who changed the state, and whether he was allowed to at that moment."""

from __future__ import annotations

from typing import Any

import pytest

from lab.checks import CHECKS
from lab.model.verdict import CheckResult, Verdict

from .calls import admin, buffer, call, execute, fail, log, mirror, pause, resolve
from .histories import PROXY, ROLES, Story, leg
from .swap import swap

A = leg("flow.a", "two", 20, id=7)


def judged(*blocks: list[Any], **tx: Any) -> CheckResult:
    """One block of chain two per list of calls, each call a transaction of its own caller."""
    story = Story(A)
    for at, calls in enumerate(blocks, 10):
        txs = [story.tx("two", made[0].caller, made, **tx) for made in calls]
        story.mine("two", 2 * at, *txs)
    return CHECKS["S6"].judge(story.history())


def test_a_clean_run_passes() -> None:
    """Eight calls by operators."""
    result = CHECKS["S6"].judge(swap())
    assert (result.verdict, result.judged) == (Verdict.PASS, 8)


def test_refused_calls_exercise_nothing() -> None:
    """An attacker's reverts are no state changes."""
    assert judged([buffer(A, "attacker", revert="Not authorized")]).verdict is Verdict.NOT_EXERCISED


@pytest.mark.parametrize(
    "made",
    [
        buffer(A, "attacker"),
        resolve(A.tx_id, "user"),
        resolve(A.tx_id, "attacker", failed="Dependencies not satisfied"),
        execute(A.tx_id, "attacker"),
        pause("operator"),
        admin("add_operator", "operator", operator=ROLES["attacker"]),
        admin("set_coordination_window", "relayer", window_seconds=300),
        admin("accept_ownership", "newowner"),
        admin("accept_ownership", "owner"),
    ],
)
def test_every_success_without_the_role_fails(made: Any) -> None:
    """Operators are no owners, owners cannot accept what was not proposed to them."""
    result = judged([made])
    assert result.verdict is Verdict.FAIL
    assert made[0].function in result.reason
    assert result.findings[0].chain == "two"


@pytest.mark.parametrize(
    ("second", "resolved", "function", "verdict"),
    [
        (82, False, "expire_transaction", Verdict.PASS),
        (80, False, "expire_transaction", Verdict.FAIL),
        (82, True, "expire_transaction", Verdict.FAIL),
        (82, False, "mark_failed", Verdict.FAIL),
    ],
    ids=["late", "in time", "ready", "failed"],
)
def test_what_is_late_anybody_may_end(second: int, resolved: bool, function: str, verdict: Verdict) -> None:
    """The window is 60 s long; what is READY has made it, and to say that it failed is an operator's."""
    story = Story(A)
    before = [buffer(A), resolve(A.tx_id)] if resolved else [buffer(A)]
    for at, made in (*zip((18, 22), before, strict=False), (second, fail(A.tx_id, "attacker", function=function))):
        story.mine("two", at, story.tx("two", made[0].caller, made))
    assert CHECKS["S6"].judge(story.history()).verdict is verdict


def test_the_role_counts_at_that_place_in_the_block() -> None:
    """Removed, then refused; added, then allowed; in one block."""
    out = admin("remove_operator", operator=ROLES["operator"], event=log("OperatorRemoved", operator=ROLES["operator"]))
    back = admin("add_operator", operator=ROLES["operator"])
    assert judged([buffer(A), out]).verdict is Verdict.PASS
    assert judged([out, buffer(A)]).verdict is Verdict.FAIL
    assert judged([out, back, buffer(A)]).verdict is Verdict.PASS


def test_ownership_moves_with_acceptance_only() -> None:
    """Proposed alone changes nothing; accepted, the old owner has lost it."""
    propose = admin("propose_owner", new_owner=ROLES["newowner"])
    accept = admin("accept_ownership", "newowner")
    assert judged([propose, pause("newowner")]).verdict is Verdict.FAIL
    assert judged([propose, accept, pause("newowner")]).verdict is Verdict.PASS
    assert judged([propose, accept], [pause("owner")]).verdict is Verdict.FAIL


def test_the_origin_of_the_call_chain_grants_nothing() -> None:
    """An operator was lured into a contract that calls the coordinator: the direct caller is the contract."""
    story = Story(A)
    story.mine("two", 20, story.tx("two", "operator", buffer(A, PROXY), to=PROXY))
    result = CHECKS["S6"].judge(story.history())
    assert result.verdict is Verdict.FAIL
    assert "in a transaction of operator" in result.reason


def orphan_event(**tx: Any) -> CheckResult:
    """A TransactionReady in a transaction without a call that explains it."""
    story = Story(A)
    calls = tx.pop("calls", ())
    ready = log("TransactionReady", tx_id=A.tx_id)
    story.mine("two", 20, story.tx("two", "operator", buffer(A)))
    story.mine("two", 22, story.tx("two", "operator", to=PROXY, logs=(ready,), calls=calls, **tx))
    return CHECKS["S6"].judge(story.history())


def test_an_event_without_a_call_is_proof_only_where_all_calls_are_known() -> None:
    """Traced: somebody went past the functions. Untraced: nobody knows."""
    assert orphan_event(traced=True).verdict is Verdict.FAIL
    assert orphan_event(traced=False, trace_error="pruned").verdict is Verdict.UNKNOWN
    assert orphan_event(traced=False).verdict is Verdict.UNKNOWN
    assert orphan_event(traced=True, calls=(call("mark_executed", tx_id=A.tx_id),)).verdict is Verdict.FAIL
    assert orphan_event(traced=True, calls=(call("rescue", tx_id=A.tx_id),)).verdict is Verdict.UNKNOWN


def test_a_transaction_that_could_not_be_traced_leaves_doubt() -> None:
    """It may have executed something: that emits nothing."""
    story = Story(A)
    story.mine("two", 20, story.tx("two", "operator", buffer(A)))
    story.mine("two", 22, story.tx("two", "user", to=PROXY, traced=False, trace_error="timeout"))
    assert CHECKS["S6"].judge(story.history()).verdict is Verdict.UNKNOWN


def test_the_deployment_needs_no_caller() -> None:
    """Constructor events come from the creation, or from the deployment's block."""
    events = (log("OperatorAdded", operator=ROLES["owner"]), log("CoordinationWindowSet", window=30))
    story = Story(A)
    story.mine("two", 10, story.tx("two", "owner", logs=events, to=None))
    assert CHECKS["S6"].judge(story.history()).verdict is Verdict.NOT_EXERCISED


def test_a_mirror_by_an_attacker_fails_too() -> None:
    """Mirrors are state changes like any other."""
    assert judged([mirror(A, "one", A.timestamp, "attacker")]).verdict is Verdict.FAIL


def test_a_second_role_is_asked_for_by_its_functions() -> None:
    """Operators hold it at first; who lost it may still do the rest, and nobody may do its functions without it."""
    lost = (call("remove_executor", "owner", account=ROLES["operator"]), ())
    for made, verdict in ((resolve(A.tx_id), Verdict.PASS), (execute(A.tx_id), Verdict.FAIL)):
        story = Story(A)
        story.contract("two", second_roles={"executor": ("mark_executed",)})
        for at, each in enumerate((buffer(A), lost, made)):
            story.mine("two", 10 + 2 * at, story.tx("two", each[0].caller, each))
        assert CHECKS["S6"].judge(story.history()).verdict is verdict
