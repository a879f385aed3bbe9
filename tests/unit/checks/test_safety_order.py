"""S1, S4 and S5: the order of states, the window, and everything once."""

from __future__ import annotations

from typing import Any

import pytest

from lab.checks import CHECKS
from lab.model.history import History
from lab.model.record_parts.about import About
from lab.model.verdict import CheckResult, Verdict

from .calls import admin, buffer, call, execute, fail, log, resolve
from .histories import GENESIS, Story, leg
from .swap import PAY, begin, finish, pay, settle, swap

A = leg("flow.a", "two", 20, id=7)
P = leg("flow.p", "two", 20, id=8)


def judged(check: str, history: History) -> CheckResult:
    """One check's result."""
    return CHECKS[check].judge(history)


def one_leg(*at: tuple[int, object], **header: Any) -> History:
    """Leg A buffered at 10 s on chain two, then one transaction per given second."""
    story = Story(A, **header)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    for second, made in at:
        story.mine("two", second, story.tx("two", "operator", made))  # type: ignore[arg-type]
    return story.history()


@pytest.mark.parametrize("check", ["S1", "S4", "S5"])
def test_a_clean_run_passes(check: str) -> None:
    """Two legs and a mirror are judged."""
    result = judged(check, swap())
    assert (result.verdict, result.judged) == (Verdict.PASS, 3)


@pytest.mark.parametrize("check", ["S1", "S4", "S5"])
def test_nothing_buffered_exercises_nothing(check: str) -> None:
    """A run without transactions proves nothing."""
    assert judged(check, Story().history()).verdict is Verdict.NOT_EXERCISED


@pytest.mark.parametrize(
    ("steps", "from_to"),
    [
        ([(20, execute(A.tx_id))], ("BUFFERED", "EXECUTED")),
        ([(20, resolve(A.tx_id)), (22, execute(A.tx_id)), (24, resolve(A.tx_id))], ("EXECUTED", "READY")),
        ([(20, resolve(A.tx_id)), (22, fail(A.tx_id)), (24, execute(A.tx_id))], ("EXPIRED", "EXECUTED")),
        ([(20, resolve(A.tx_id)), (22, resolve(A.tx_id))], ("READY", "READY")),
        ([(20, fail(A.tx_id, function="expire_transaction")), (22, buffer(A))], ("EXPIRED", "BUFFERED")),
    ],
)
def test_s1_names_each_illegal_move(steps: list[tuple[int, object]], from_to: tuple[str, str]) -> None:
    """Skipping, going back, leaving an end state, and repeating are all failures."""
    result = judged("S1", one_leg(*steps))
    assert result.verdict is Verdict.FAIL
    assert f"from {from_to[0]}" in result.findings[0].message
    assert f"went to {from_to[1]}" in result.findings[0].message
    needed = {"BUFFERED": "EMPTY", "READY": "BUFFERED", "EXECUTED": "READY"}[from_to[1]]
    assert result.findings[0].about == About(states=(from_to[0], needed))
    assert result.findings[0].chain == "two"
    assert result.findings[0].tx_id == A.tx_id
    assert result.findings[0].evidence


def test_s1_quotes_few_lines_of_a_life_without_end() -> None:
    """Each move of very many is a finding, and has the moves around it: all of them each time would be a square."""
    result = judged("S1", one_leg(*((20 + 2 * number, resolve(A.tx_id)) for number in range(300))))
    assert len(result.findings) == 299
    assert max(len(finding.evidence) for finding in result.findings) <= 10


def test_s1_forgives_what_a_reorg_took_back() -> None:
    """READY in an orphaned block and READY again afterwards is one READY."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("two", 20, story.tx("two", "operator", resolve(A.tx_id)))
    story.reorg(20, "two", 9)
    story.mine("two", 22, story.tx("two", "operator", resolve(A.tx_id)))
    assert judged("S1", story.history()).verdict is Verdict.PASS
    assert judged("S5", story.history()).verdict is Verdict.PASS


def test_s1_lets_an_expired_resolve_keep_buffered_where_no_such_state_exists() -> None:
    """The documented contract says expired again and again."""
    twice = [(90, resolve(A.tx_id, failed="Transaction expired")), (92, resolve(A.tx_id, failed="Transaction expired"))]
    assert judged("S1", one_leg(*twice, capabilities=())).verdict is Verdict.PASS
    assert judged("S1", one_leg(*twice)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("second", "verdict"), [(20, Verdict.PASS), (80, Verdict.PASS), (18, Verdict.FAIL), (82, Verdict.FAIL)]
)
def test_s4_includes_both_ends_of_the_window(second: int, verdict: Verdict) -> None:
    """Timestamp 20 s and a window of 60 s allow READY from 20 s to 80 s."""
    assert judged("S4", one_leg((second, resolve(A.tx_id)))).verdict is verdict


def test_s4_fails_one_second_past_the_window() -> None:
    """The block's own timestamp decides, not when it appeared."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("two", 80, story.tx("two", "operator", resolve(A.tx_id)), timestamp=GENESIS + 81)
    result = judged("S4", story.history())
    assert result.verdict is Verdict.FAIL
    assert "61 s after its timestamp" in result.findings[0].message


@pytest.mark.parametrize(
    ("second", "reason", "verdict"),
    [
        (80, "Transaction expired", Verdict.FAIL),
        (82, "Transaction expired", Verdict.PASS),
        (18, "Dependencies not satisfied", Verdict.NOT_EXERCISED),
        (20, "Dependencies not satisfied", Verdict.FAIL),
        (80, "Dependencies not satisfied", Verdict.FAIL),
        (50, "A reason of its own", Verdict.NOT_EXERCISED),
    ],
)
def test_s4_fails_a_window_that_is_shorter_than_promised(second: int, reason: str, verdict: Verdict) -> None:
    """From 20 s to 80 s a leg without a parent can only become READY: no expiry, no refusal."""
    assert judged("S4", one_leg((second, resolve(A.tx_id, failed=reason)))).verdict is verdict


@pytest.mark.parametrize(
    ("parent", "verdict"),
    [(None, Verdict.PASS), (buffer(P), Verdict.PASS), (resolve(P.tx_id), Verdict.FAIL)],
)
def test_s4_excuses_a_refusal_while_the_dependency_is_not_met(parent: Any, verdict: Verdict) -> None:
    """Only a parent that is READY in this contract by then leaves nothing to wait for; READY afterwards is too late."""
    story = Story(A, P)
    first = buffer(P) if parent is not None else buffer(leg("flow.other", "two", 20, id=9))
    story.mine(
        "two", 10, story.tx("two", "operator", first), story.tx("two", "operator", buffer(A, dependency=P.tx_id))
    )
    if parent is not None and parent[0].function == "resolve_dependency":
        story.mine("two", 20, story.tx("two", "operator", parent))
    early = resolve(A.tx_id, failed="Dependencies not satisfied")
    story.mine("two", 22, story.tx("two", "operator", early))
    if parent is not None and parent[0].function == "buffer_transaction":
        story.mine("two", 24, story.tx("two", "operator", resolve(P.tx_id)))
    story.mine("two", 90, story.tx("two", "operator", resolve(A.tx_id, failed="Transaction expired")))
    assert judged("S4", story.history()).verdict is verdict


def test_s4_judges_a_refusal_by_the_window_then_in_force() -> None:
    """An expiry at 45 s is right under a window of 5 s and wrong under one of 60 s, whatever was set later."""
    early = (45, resolve(A.tx_id, failed="Transaction expired"))
    narrow, wide = (admin("set_coordination_window", window_seconds=seconds) for seconds in (5, 60))
    assert judged("S4", one_leg((12, narrow), early, (50, wide))).verdict is Verdict.PASS
    assert judged("S4", one_leg((12, wide), early, (50, narrow))).verdict is Verdict.FAIL


def test_s4_does_not_judge_a_refusal_whose_dependency_nobody_knows() -> None:
    """Buffered by an untraced call: there may have been something to wait for."""
    call, logs = buffer(A)
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", (call, logs), calls=()))
    story.mine("two", 30, story.tx("two", "operator", resolve(A.tx_id, failed="Dependencies not satisfied")))
    assert judged("S4", story.history()).verdict is Verdict.NOT_EXERCISED


@pytest.mark.parametrize(("window_set_first", "verdict"), [(True, Verdict.FAIL), (False, Verdict.PASS)])
def test_s4_uses_the_window_in_force_at_that_place_in_the_block(window_set_first: bool, verdict: Verdict) -> None:
    """A window narrowed in the same block binds what follows it only."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    narrow = admin("set_coordination_window", window_seconds=5, event=log("CoordinationWindowSet", window=5))
    txs = [story.tx("two", "owner", narrow), story.tx("two", "operator", resolve(A.tx_id))]
    story.mine("two", 40, *(txs if window_set_first else reversed(txs)))
    assert judged("S4", story.history()).verdict is verdict


def test_s4_reads_the_window_from_the_call_where_no_event_says_it() -> None:
    """The documented contract has no event for it, and names the parameter as it likes."""
    wide = admin("set_coordination_window", _window=300)
    assert judged("S4", one_leg((12, wide), (200, resolve(A.tx_id)))).verdict is Verdict.PASS


def test_s4_cannot_judge_what_was_never_seen_buffered() -> None:
    """Without the timestamp there is no window."""
    story = Story(A)
    story.mine("two", 20, story.tx("two", "operator", resolve(A.tx_id)))
    assert judged("S4", story.history()).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        ([(12, buffer(A))], "buffering"),
        ([(12, (buffer(A)[0], ()))], "buffering"),
        ([(20, resolve(A.tx_id)), (22, resolve(A.tx_id))], "TransactionReady"),
        ([(20, resolve(A.tx_id)), (22, execute(A.tx_id)), (24, execute(A.tx_id))], "execution"),
    ],
)
def test_s5_counts_every_effect(steps: list[tuple[int, object]], what: str) -> None:
    """A second success is a failure, also one that emits nothing."""
    result = judged("S5", one_leg(*steps))
    assert result.verdict is Verdict.FAIL
    assert f"at most one {what}" in result.reason


def test_s5_accepts_duplicates_that_revert() -> None:
    """A refused duplicate changes nothing."""
    steps = [
        (12, buffer(A, revert="Transaction already exists")),
        (20, resolve(A.tx_id)),
        (22, resolve(A.tx_id, revert="Transaction not in buffered state")),
        (24, execute(A.tx_id)),
        (26, execute(A.tx_id, revert="Transaction not ready")),
    ]
    assert judged("S5", one_leg(*steps)).verdict is Verdict.PASS


def test_s5_wants_a_buffering_before_anything_else() -> None:
    """READY out of nothing is a failure."""
    story = Story(A)
    story.mine("two", 20, story.tx("two", "operator", resolve(A.tx_id)))
    assert "expected one TransactionBuffered" in judged("S5", story.history()).reason


def test_s5_keeps_the_same_id_on_two_chains_apart() -> None:
    """The key is chain and id: the mirror's READY is no second READY of its parent."""
    story = begin()
    pay(story)
    settle(story)
    history = finish(story)
    assert judged("S5", history).verdict is Verdict.PASS
    assert [leg.tx_id for leg in history.header.legs].count(PAY.tx_id) == 1


def test_a_batch_of_one_transaction_is_several_effects_and_a_reverted_one_none() -> None:
    """Two buffers in one transaction are judged; the same in a failed transaction are not."""
    other = leg("flow.b", "two", 20, id=8)
    story = Story(A, other)
    story.mine("two", 10, story.tx("two", "operator", buffer(A), buffer(other)))
    failed = [buffer(A, revert="Transaction already exists"), (call("buffer_transaction", tx_id=other.tx_id), ())]
    story.mine("two", 12, story.tx("two", "operator", *failed, status=0))
    result = judged("S5", story.history())
    assert (result.verdict, result.judged) == (Verdict.PASS, 2)


def test_an_early_resolve_moves_nothing() -> None:
    """`Dependencies not satisfied` leaves the transaction BUFFERED."""
    early = resolve(A.tx_id, failed="Dependencies not satisfied")
    assert judged("S1", one_leg((12, early), (20, resolve(A.tx_id)))).verdict is Verdict.PASS
