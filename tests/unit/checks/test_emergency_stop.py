"""S10: the pause and the breaker."""

from __future__ import annotations

from typing import Any

import pytest

from lab.checks import CHECKS
from lab.model.record_parts.about import About
from lab.model.records import Log
from lab.model.verdict import CheckResult, Verdict

from .calls import Made, admin, buffer, execute, fail, log, pause, resolve, unpause
from .histories import GENESIS, PROXY, ROLES, Story, leg
from .swap import swap

A = leg("flow.a", "two", 20, id=7)


def judged(*made: Made | tuple[int, Made], final: dict[str, Any] | None = None, **header: Any) -> CheckResult:
    """One block of chain two per call, 2 s apart from 20 s on, or at the second given."""
    story, at = Story(A, **header), 18
    for each in made:
        at, one = each if isinstance(each[0], int) else (at + 2, each)
        story.mine("two", at, story.tx("two", one[0].caller, one))
    story.final("two", at + 2, **(final or {}))
    return CHECKS["S10"].judge(story.history())


def threshold(value: int) -> Made:
    """The owner sets the breaker's threshold."""
    return admin("set_breaker_threshold", threshold=value, event=log("BreakerThresholdSet", threshold=value))


def failures(count: int, *, trip: bool = False) -> list[Made]:
    """So many failed executions, the last of which may trip the breaker."""
    return [fail(f"0x{n:064x}", trip=trip and n == count) for n in range(1, count + 1)]


def test_a_run_without_pause_or_failure_exercises_nothing() -> None:
    """Resolves that came too early are not counted."""
    assert CHECKS["S10"].judge(swap()).verdict is Verdict.NOT_EXERCISED
    early = resolve(A.tx_id, failed="Dependencies not satisfied")
    assert judged(buffer(A), early).verdict is Verdict.NOT_EXERCISED


@pytest.mark.parametrize("made", [buffer(A), resolve(A.tx_id), execute(A.tx_id), fail(A.tx_id)])
def test_operator_functions_must_be_refused_while_paused(made: Made) -> None:
    """Each success is a failure; after the stop is lifted it is none."""
    result = judged(pause(), made)
    assert result.verdict is Verdict.FAIL
    assert made[0].function in result.reason
    assert judged(pause(), unpause(), made, capabilities=()).verdict is Verdict.PASS
    refused = (made[0].model_copy(update={"ok": False, "revert": "Coordinator is paused"}), ())
    assert judged(pause(), refused).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (admin("remove_operator", operator=ROLES["operator"]), Verdict.PASS),
        (admin("remove_operator", operator=ROLES["operator"], revert="Coordinator is paused"), Verdict.FAIL),
        (admin("remove_operator", operator=ROLES["operator"], revert="execution reverted"), Verdict.FAIL),
        (admin("remove_operator", "attacker", operator=ROLES["operator"], revert="Only owner"), Verdict.NOT_EXERCISED),
        (admin("set_coordination_window", w=30, revert="Coordinator is paused"), Verdict.FAIL),
        (admin("set_coordination_window", w=3, revert="Window must be between 5 and 300 seconds"), Verdict.PASS),
        (pause(revert="Coordinator is paused"), Verdict.NOT_EXERCISED),
        (unpause(revert="Coordinator is paused"), Verdict.FAIL),
        (admin("accept_ownership", "newowner", revert="Only pending owner can accept"), Verdict.NOT_EXERCISED),
    ],
)
def test_owner_functions_must_work_while_paused(made: Made, verdict: Verdict) -> None:
    """Refusals for another reason, or of another account, prove nothing against the contract."""
    assert judged(pause(), made).verdict is verdict


def test_the_proposed_owner_can_accept_while_paused() -> None:
    """The hand-over is an owner function too."""
    propose = admin("propose_owner", new_owner=ROLES["newowner"])
    accept = admin("accept_ownership", "newowner")
    assert judged(propose, pause(), accept).verdict is Verdict.PASS
    refused = admin("accept_ownership", "newowner", revert="Coordinator is paused")
    assert judged(propose, pause(), refused).verdict is Verdict.FAIL


def counted(value: int) -> dict[str, Any]:
    """What the contract reads at the end of a breaker test."""
    return {"failure_count": value}


@pytest.mark.parametrize(
    ("count", "trip", "verdict"),
    [(2, False, Verdict.PASS), (3, True, Verdict.PASS), (2, True, Verdict.FAIL), (3, False, Verdict.FAIL)],
)
def test_the_breaker_trips_exactly_at_its_threshold(count: int, trip: bool, verdict: Verdict) -> None:
    """Three: not at two, not after three."""
    assert judged(threshold(3), *failures(count, trip=trip), final=counted(count)).verdict is verdict


def test_expiries_count_like_failed_executions() -> None:
    """By resolve and by expire_transaction."""
    by_resolve = resolve(A.tx_id, failed="Transaction expired")
    by_expiry = fail("0x02", function="expire_transaction", trip=True)
    assert judged(threshold(2), by_resolve, by_expiry, final=counted(2)).verdict is Verdict.PASS
    assert judged(threshold(3), by_resolve, by_expiry, final=counted(2)).verdict is Verdict.FAIL


@pytest.mark.parametrize(("second", "trip", "verdict"), [(3619, True, Verdict.PASS), (3620, True, Verdict.FAIL)])
def test_the_period_is_an_hour_from_its_first_failure(second: int, trip: bool, verdict: Verdict) -> None:
    """The first failure is at 20 s: one hour later a new period begins."""
    story = Story(A)
    story.mine("two", 18, story.tx("two", "owner", threshold(2)))
    story.mine("two", 20, story.tx("two", "operator", fail("0x01")))
    story.mine("two", 3620, story.tx("two", "operator", fail("0x02", trip=trip)), timestamp=GENESIS + second)
    assert CHECKS["S10"].judge(story.history()).verdict is verdict


def test_lifting_the_stop_starts_the_count_anew() -> None:
    """After unpause it takes the whole threshold again."""
    first, second = failures(2, trip=True), [fail("0x08"), fail("0x09", trip=True)]
    assert judged(threshold(2), *first, unpause(), *second, final=counted(2)).verdict is Verdict.PASS
    assert judged(threshold(2), *first, unpause(), fail("0x08", trip=True), final=counted(1)).verdict is Verdict.FAIL


def test_a_threshold_of_zero_never_trips() -> None:
    """Switched off."""
    assert judged(threshold(0), *failures(4), final=counted(4)).verdict is Verdict.PASS
    assert judged(threshold(0), *failures(4, trip=True), final=counted(4)).verdict is Verdict.FAIL


def test_a_lowered_threshold_trips_at_the_next_failure() -> None:
    """Three were counted; with a threshold of two the fourth trips."""
    assert judged(*failures(3), threshold(2), fail("0x09", trip=True), final=counted(4)).verdict is Verdict.PASS
    assert judged(*failures(3), threshold(2), fail("0x09"), final=counted(4)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("made", "value", "verdict"),
    [(3, 2, Verdict.PASS), (3, 3, Verdict.PASS), (3, 4, Verdict.FAIL), (0, 1, Verdict.FAIL), (3, 0, Verdict.FAIL)],
)
def test_a_threshold_stops_at_once_only_where_it_is_reached(made: int, value: int, verdict: Verdict) -> None:
    """Whoever sets one above what was counted, or none, stops nothing by it."""
    stop: Log = log("EmergencyStop", caller=ROLES["owner"], reason="Failure threshold reached")
    call, logs = threshold(value)
    stopping = (threshold(9), *failures(made), (call, (*logs, stop)))
    assert judged(*stopping, final=counted(made)).verdict is verdict


def test_the_threshold_comes_from_the_final_read_where_it_was_never_set() -> None:
    """25 at the end and never changed: 25 all the time."""
    assert judged(*failures(25, trip=True), final=counted(25)).verdict is Verdict.PASS
    assert judged(*failures(24, trip=True), final=counted(24)).verdict is Verdict.FAIL


def test_a_trip_under_an_unknown_threshold_proves_nothing() -> None:
    """It was set later, so what it was before is not known."""
    assert judged(*failures(3, trip=True), threshold(9), final=counted(3)).verdict is Verdict.UNKNOWN


def test_a_stop_out_of_nothing_fails() -> None:
    """Neither the owner nor a failure explains it."""
    stop: Log = log("EmergencyStop", caller=ROLES["operator"], reason="Failure threshold reached")
    odd = (buffer(A)[0], (*buffer(A)[1], stop))
    assert judged(odd).verdict is Verdict.FAIL


def test_the_stored_count_must_be_the_folded_one() -> None:
    """A counter that a revert rolled back shows here."""
    assert judged(*failures(3), final=counted(0)).verdict is Verdict.FAIL
    assert judged(*failures(3), final=counted(3)).verdict is Verdict.PASS


RESOLVED, EXECUTED = resolve("0x08"), execute("0x08")


@pytest.mark.parametrize("success", [RESOLVED, EXECUTED])
def test_whether_a_success_begins_the_count_anew_is_the_contracts_affair(success: Made) -> None:
    """Shown by the counter, and where that is private by when it trips; it is said."""
    done = [*failures(2), success, fail("0x09")]
    result = judged(threshold(9), *done, final=counted(1))
    assert result.verdict is Verdict.PASS
    assert f"a way of its own: failures until {success[0].function} succeeds" in result.reason
    tripped = [threshold(3), *done, fail("0x0a"), fail("0x0b", trip=True)]
    for value in (None, 3):
        assert judged(*tripped, final={"failure_count": value, "paused": True}).verdict is Verdict.PASS


def test_a_count_may_begin_anew_with_each_kind_of_success() -> None:
    """Neither kind alone explains it."""
    done = [*failures(2), RESOLVED, fail("0x0a"), fail("0x0b"), EXECUTED, fail("0x0c"), fail("0x0d")]
    assert judged(threshold(3), *done, fail("0x0e", trip=True), final=counted(3)).verdict is Verdict.PASS


def test_a_count_that_no_rule_explains_fails() -> None:
    """Neither all failures nor those since a success; one rule holds for the whole run and every chain."""
    done = [threshold(9), *failures(2), resolve("0x08"), fail("0x09")]
    assert judged(*done, final=counted(2)).verdict is Verdict.FAIL
    assert judged(*done, resolve("0x0a"), final=counted(1)).verdict is Verdict.FAIL
    assert judged(threshold(3), *done[1:], fail("0x0b", trip=True), final=counted(4)).verdict is Verdict.FAIL
    story = Story(A)
    for chain, at, value in (("two", 20, 2), ("one", 24, 1)):
        for made in (fail("0x01"), resolve("0x02"), fail("0x03")):
            story.mine(chain, at, story.tx(chain, "operator", made))
            at += 12
        story.final(chain, at, failure_count=value)
    assert CHECKS["S10"].judge(story.history()).verdict is Verdict.FAIL


@pytest.mark.parametrize("value", [0, 3])
def test_a_counter_may_be_stored_or_computed_once_its_period_is_over(value: int) -> None:
    """Until the next failure nobody can tell the difference."""
    later = {"failure_count": value, "timestamp": GENESIS + 20 + 3600}
    assert judged(*failures(3), final=later).verdict is Verdict.PASS
    wrong = judged(*failures(3), final=later | {"failure_count": 2})
    assert wrong.verdict is Verdict.FAIL
    assert wrong.findings[-1].about == About(field="failure_count")


def test_a_batch_that_tripped_ends_there() -> None:
    """The calls behind the trip in the same transaction did nothing; elsewhere they would be failures."""
    story = Story(A)
    story.mine("two", 18, story.tx("two", "owner", threshold(1)))
    trip = resolve("0x01", failed="Transaction expired")
    stop = log("EmergencyStop", caller=ROLES["operator"], reason="Failure threshold reached")
    rest = (resolve("0x02")[0], ())
    story.mine("two", 20, story.tx("two", "operator", (trip[0], (*trip[1], stop)), rest))
    assert CHECKS["S10"].judge(story.history()).verdict is Verdict.PASS
    story.mine("two", 22, story.tx("two", "operator", rest))
    assert CHECKS["S10"].judge(story.history()).verdict is Verdict.FAIL


def test_an_untraced_transaction_while_paused_leaves_doubt() -> None:
    """It may have executed something."""
    story = Story(A)
    story.mine("two", 18, story.tx("two", "owner", pause()))
    story.mine("two", 20, story.tx("two", "user", to=PROXY, traced=False, trace_error="pruned"))
    assert CHECKS["S10"].judge(story.history()).verdict is Verdict.UNKNOWN


def test_a_contract_without_a_breaker_counts_nothing() -> None:
    """No capability, no subject."""
    assert judged(*failures(30), capabilities=("expiry",)).verdict is Verdict.NOT_EXERCISED


EXPIRED_REVERT = "Transaction expired"


@pytest.mark.parametrize(
    ("made", "at", "verdict"),
    [
        (resolve(A.tx_id, revert=EXPIRED_REVERT), 82, Verdict.FAIL),
        (resolve(A.tx_id, revert="execution reverted"), 82, Verdict.FAIL),
        (resolve(A.tx_id, revert=EXPIRED_REVERT), 80, Verdict.NOT_EXERCISED),
        (resolve(A.tx_id, revert="out of gas"), 82, Verdict.NOT_EXERCISED),
        (resolve(A.tx_id, "attacker", revert="Not authorized"), 82, Verdict.NOT_EXERCISED),
        (resolve("0x09", revert="Transaction not in buffered state"), 82, Verdict.NOT_EXERCISED),
        (execute(A.tx_id, revert="Transaction not ready"), 82, Verdict.NOT_EXERCISED),
    ],
)
def test_an_expiry_that_reverts_rolls_its_count_back(made: Made, at: int, verdict: Verdict) -> None:
    """The window closes at 80 s. Too early, no gas, no role, no such transaction, another function: no expiry."""
    assert judged((12, buffer(A)), (at, made)).verdict is verdict


def test_a_reverted_expiry_counts_nowhere_where_nothing_counts() -> None:
    """Without a breaker the revert loses nothing; while paused, and once READY, it is due."""
    late = (82, resolve(A.tx_id, revert=EXPIRED_REVERT))
    assert judged((12, buffer(A)), late, capabilities=("expiry",)).verdict is Verdict.NOT_EXERCISED
    assert judged((12, buffer(A)), (30, pause()), late).verdict is Verdict.PASS
    assert judged((12, buffer(A)), (30, resolve(A.tx_id)), late).verdict is Verdict.NOT_EXERCISED


def test_a_batch_that_reverts_blames_none_of_its_calls() -> None:
    """Another of them may have been the reason."""
    story = Story(A)
    story.mine("two", 12, story.tx("two", "operator", buffer(A)))
    both = [resolve(tx, revert="Transaction not in buffered state") for tx in (A.tx_id, "0x09")]
    story.mine("two", 90, story.tx("two", "operator", *both))
    assert CHECKS["S10"].judge(story.history()).verdict is Verdict.NOT_EXERCISED


def test_a_breaker_with_a_private_counter_is_judged_by_what_is_declared() -> None:
    """Neither threshold nor counter can be read: the declared threshold and period count."""
    hidden = {"breaker_threshold": None, "failure_count": None}
    for declared, verdict in ((3, Verdict.PASS), (4, Verdict.FAIL)):
        story = Story(A)
        story.contract("two", breaker_threshold=declared, breaker_period_s=10)
        for at, made in zip((20, 40, 42, 44), failures(4, trip=True), strict=True):
            story.mine("two", at, story.tx("two", "operator", made))
        story.final("two", 50, **hidden)
        assert CHECKS["S10"].judge(story.history()).verdict is verdict


def test_a_stop_by_a_breaker_that_nobody_declared_is_a_doubt() -> None:
    """A contract without the capability may have one of its own."""
    result = judged(*failures(2, trip=True), capabilities=("stop",))
    assert result.verdict is Verdict.UNKNOWN
    assert "defaults: breaker_threshold" in result.reason


def test_a_trip_that_only_refusals_show_is_a_doubt() -> None:
    """A contract without the event stops, and nothing tells when; one that goes on did not stop."""
    resolved = resolve(A.tx_id)
    refused = (resolved[0].model_copy(update={"ok": False, "revert": "Coordinator is paused"}), ())
    result = judged(threshold(2), buffer(A), *failures(2), refused, final={"failure_count": 2})
    assert result.verdict is Verdict.UNKNOWN
    assert "no event EmergencyStop" in result.reason
    assert judged(threshold(2), buffer(A), *failures(2), resolved, refused).verdict is Verdict.FAIL
    assert judged(threshold(2), buffer(A), *failures(2)).verdict is Verdict.FAIL
    # Where a stop has its event elsewhere, the contract has one.
    assert judged(pause(), unpause(), threshold(2), buffer(A), *failures(2), refused).verdict is Verdict.FAIL
