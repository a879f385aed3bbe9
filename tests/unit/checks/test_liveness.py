"""L1, L2 and L3: READY in time, every leg ends, the queue is empty."""

from __future__ import annotations

from typing import Any

import pytest

from lab.checks import CHECKS
from lab.checks.verdict import judge_recorded
from lab.model.chain.finality import Finality
from lab.model.checks import CheckSelection
from lab.model.history import History
from lab.model.records import Header, Lag, RelayerEvent
from lab.model.verdict import CheckResult, Verdict

from .calls import admin, buffer, call, execute, fail, log, mirror, pause, resolve, unpause
from .histories import GENESIS, ROLES, Story, leg, stored, tx_id
from .swap import PAY, SETTLE, begin, finish, pay, settle, submitted, swap

A = leg("flow.a", "two", 20, id=7)
B = leg("flow.b", "two", 20, id=8)
# On chain two the bound is 3 x 2 s + 2 s + 1 s: a root due at 20 s must be READY by 29 s.
DUE = 29
DEFAULT = CheckSelection(default=True, added=(), removed=())


def judged(check: str, history: History) -> CheckResult:
    """One check's result."""
    return CHECKS[check].judge(history)


def root(ready: int | None, *, end: int = 120, **header: Any) -> Story:
    """Leg A, made READY at a second, with blocks every 2 s on record."""
    story = Story(A, **header)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    for second in range(12, end + 1, 2):
        calls = [story.tx("two", "relayer", resolve(A.tx_id, "relayer"))] if second == ready else []
        story.mine("two", second, *calls)
    return story


@pytest.mark.parametrize("check", ["L1", "L2", "L3"])
def test_a_clean_run_passes(check: str) -> None:
    """Both legs and all five nonces."""
    result = judged(check, swap())
    assert (result.verdict, result.judged) == (Verdict.PASS, 5 if check == "L3" else 2)


@pytest.mark.parametrize("check", ["L1", "L2", "L3"])
def test_without_a_relayer_there_is_nothing_to_ask_for(check: str) -> None:
    """Somebody else resolved by hand, and submitted nothing."""
    story = root(100, poll_ms=0)
    assert judged(check, story.history()).verdict is Verdict.NOT_EXERCISED


@pytest.mark.parametrize(("ready", "verdict"), [(28, Verdict.PASS), (30, Verdict.FAIL), (None, Verdict.FAIL)])
def test_l1_draws_the_line_at_the_bound(ready: int | None, verdict: Verdict) -> None:
    """28 s is in time, 30 s is not, never is not."""
    result = judged("L1", root(ready).history())
    assert result.verdict is verdict
    if verdict is Verdict.FAIL:
        assert f"by {DUE}.000 s" in result.reason
        # What went wrong did so when the bound was missed, however late the leg became READY.
        assert result.findings[0].t_ms == DUE * 1000
        assert result.findings[0].tx_id == A.tx_id


@pytest.mark.parametrize(("ready", "verdict"), [(32, Verdict.PASS), (34, Verdict.FAIL)])
def test_l1_waits_for_missed_slots(ready: int, verdict: Verdict) -> None:
    """Poll and budget end at 23 s; the slots of 28 s and 30 s are missed, so the third block after that is at 32 s."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    for second in range(12, 28, 2):
        story.mine("two", second)
    for slot, second in ((28, 32), (30, 34), (32, 36)):
        calls = [story.tx("two", "relayer", resolve(A.tx_id))] if second == ready else []
        block = story.mine("two", slot, *calls)
        late = {"t_ms": second * 1000, "timestamp": block.timestamp + second - slot}
        story.records[-1] = block.model_copy(update=late)
    assert judged("L1", story.history()).verdict is verdict


def test_l1_counts_from_the_parents_finality() -> None:
    """Final at 60 s: READY at 68 s is in time, at 70 s it is not; runs of empty blocks are given their slack."""
    for ready, verdict in ((68, Verdict.PASS), (72, Verdict.FAIL)):
        story = begin()
        pay(story)
        story.mine("one", 60)
        settle(story, ready=ready, executed=None)
        assert judged("L1", finish(story, settle="READY", ready=ready)).verdict is verdict


@pytest.mark.parametrize(
    ("limits", "ready", "verdict"),
    [
        ({"resolve_after_blocks": 5}, 78, Verdict.PASS),
        ({"resolve_after_blocks": 5}, 82, Verdict.FAIL),
        ({"resolve_after_seconds": 10}, 78, Verdict.PASS),
        ({"resolve_after_seconds": 10}, 82, Verdict.FAIL),
        ({"resolve_after_seconds": 10}, 80, Verdict.FAIL),
        ({"resolve_after_seconds": 10, "per_block": 1}, 80, Verdict.PASS),
    ],
)
def test_l1_waits_for_the_delay_of_a_mirror(limits: dict[str, int], ready: int, verdict: Verdict) -> None:
    """The parent is final at 60 s; its mirror may be resolved 10 s later, and the child is due at 79 s."""
    story = begin()
    story.contract("two", limits=limits)
    pay(story)
    story.mine("one", 60)
    settle(story, ready=ready, executed=None)
    assert judged("L1", finish(story, settle="READY", ready=ready)).verdict is verdict


@pytest.mark.parametrize(
    ("confirmations", "ready", "verdict"),
    [(None, 70, Verdict.FAIL), (1, 80, Verdict.PASS), (1, 84, Verdict.FAIL), (2, 92, Verdict.PASS)],
)
def test_l1_waits_for_confirmations_that_a_relayer_declares(
    confirmations: int | None, ready: int, verdict: Verdict
) -> None:
    """The parent is final at 60 s, on a chain with a block every 12 s; the child is due 9 s after the last of them."""
    story = begin(relayer_confirmations=confirmations)
    pay(story)
    story.mine("one", 60)
    for second in (72, 84):
        story.mine("one", second)
    settle(story, mirrored=62, ready=ready, executed=None)
    assert judged("L1", finish(story, settle="READY", ready=ready)).verdict is verdict


@pytest.mark.parametrize(("ready", "verdict"), [(38, Verdict.PASS), (40, Verdict.FAIL)])
def test_l1_waits_for_the_finality_of_a_parent_on_the_same_chain(ready: int, verdict: Verdict) -> None:
    """READY at 20 s and final five blocks later, at 30 s: the child is due at 39 s."""
    parent, child = leg("f.parent", "two", 20, id=21), leg("f.child", "two", 20, id=22, after="f.parent")
    story = Story(parent, child, finality=Finality(blocks=5))
    buffers = [buffer(parent), buffer(child, dependency=parent.tx_id)]
    story.mine("two", 10, story.tx("two", "operator", *buffers))
    for second in range(12, 121, 2):
        resolved = {20: parent, ready: child}.get(second)
        calls = [story.tx("two", "relayer", resolve(resolved.tx_id, "relayer"))] if resolved else []
        story.mine("two", second, *calls)
    assert judged("L1", story.history()).verdict is verdict


@pytest.mark.parametrize(
    ("order", "ready", "verdict"),
    [("executed", 80, Verdict.PASS), ("executed", 82, Verdict.FAIL), ("ready", 80, Verdict.FAIL)],
)
def test_l1_waits_for_an_executed_parent_where_the_order_asks_for_it(order: str, ready: int, verdict: Verdict) -> None:
    """READY at 36 s and EXECUTED at 48 s, final two blocks later: at 60 s or at 72 s, and due 9 s after that."""
    story = begin(execution_order=order)
    pay(story)
    story.mine("one", 72)
    settle(story, mirrored=76, ready=ready, executed=None)
    assert judged("L1", finish(story, settle="READY", ready=ready)).verdict is verdict


def test_l1_leaves_out_a_child_whose_parent_never_came() -> None:
    """It never became resolvable."""
    story = begin()
    result = judged("L1", finish(story, pay="BUFFERED", settle="BUFFERED"))
    assert "swap.settle never became resolvable" in result.reason
    assert [finding.tx_id for finding in result.findings] == [PAY.tx_id]


@pytest.mark.parametrize(
    ("chain", "heal", "ready", "verdict"),
    [
        ("two", 40, 48, Verdict.PASS),
        ("two", 40, 52, Verdict.FAIL),
        (None, 40, 48, Verdict.PASS),
        ("one", 40, 48, Verdict.FAIL),
        ("two", None, None, Verdict.NOT_EXERCISED),
        ("two", 90, None, Verdict.NOT_EXERCISED),
        ("two", 40, None, Verdict.FAIL),
    ],
)
def test_l1_counts_from_the_heal(chain: str | None, heal: int | None, ready: int | None, verdict: Verdict) -> None:
    """A fault on the flow's chain, or on all, gives a new start; one elsewhere or over the whole window does not."""
    story = root(ready)
    story.fault(22, "inject", chain=chain)
    if heal is not None:
        story.fault(heal, "heal", chain=chain)
    assert judged("L1", story.history()).verdict is verdict


@pytest.mark.parametrize(("fault", "verdict"), [("node_pause", Verdict.PASS), ("rpc_error", Verdict.FAIL)])
def test_l1_lets_a_request_that_hung_when_the_fault_was_healed_run_out(fault: str, verdict: Verdict) -> None:
    """Healed at 40 s, with one second of patience for a request: due at 50 s where requests hang, else at 49 s."""
    story = root(50)
    story.fault(22, "inject", fault=fault, chain="two")
    story.fault(40, "heal", fault=fault, chain="two")
    assert judged("L1", story.history()).verdict is verdict


@pytest.mark.parametrize(("fault", "verdict"), [("rpc_latency", Verdict.PASS), ("node_pause", Verdict.FAIL)])
def test_l1_knows_that_a_relayer_asks_one_chain_after_the_other(fault: str, verdict: Verdict) -> None:
    """Slow answers of another chain make it late; a whole outage there must not."""
    story = root(40)
    story.fault(22, "inject", fault=fault, chain="one")
    story.fault(35, "heal", fault=fault, chain="one")
    assert judged("L1", story.history()).verdict is verdict


def test_l1_ignores_a_fault_that_had_healed_before() -> None:
    """Healed at 20 s, due at 29 s as ever."""
    story = root(34)
    story.fault(12, "inject", chain="two")
    story.fault(20, "heal", chain="two")
    assert judged("L1", story.history()).verdict is Verdict.FAIL


@pytest.mark.parametrize(("ready", "verdict"), [(48, Verdict.PASS), (52, Verdict.FAIL)])
def test_l1_counts_from_the_relayers_return(ready: int, verdict: Verdict) -> None:
    """Killed at 22 s, started at 40 s."""
    story = root(ready)
    events: tuple[tuple[int, RelayerEvent], ...] = ((0, "start"), (22, "kill"), (40, "start"))
    for second, event in events:
        story.relayer(second, event)
    assert judged("L1", story.history()).verdict is verdict


@pytest.mark.parametrize(("asks", "verdict"), [(40, Verdict.PASS), (None, Verdict.FAIL), (25, Verdict.FAIL)])
def test_l1_counts_from_the_first_request_of_a_relayer_that_starts_slowly(asks: int | None, verdict: Verdict) -> None:
    """Killed at 22 s and started at 24 s: what it takes a process to begin is the machine's. Who never asks is not."""
    story = root(48)
    story.relayer(0, "start")
    story.relayer(22, "kill")
    story.relayer(24, "start")
    if asks is not None:
        story.relayer(asks, "ready")
    assert judged("L1", story.history()).verdict is verdict


@pytest.mark.parametrize(("seconds", "verdict"), [(25, Verdict.PASS), (5, Verdict.FAIL), (-25, Verdict.FAIL)])
def test_a_clock_that_was_ahead_disturbs_until_time_has_caught_up(seconds: int, verdict: Verdict) -> None:
    """Found by the swarm: set right at 30 s, it stands still until 55 s, and A is READY at 60 s."""
    story = root(60)
    story.fault(15, "inject", fault="timestamp_skew", chain="two", seconds=seconds)
    story.fault(30, "heal", fault="timestamp_skew", chain="two")
    assert judged("L1", story.history()).verdict is verdict


@pytest.mark.parametrize(("other", "verdict"), [("two", Verdict.PASS), ("three", Verdict.FAIL)])
def test_chains_that_answer_for_each_other_are_both_disturbed(other: str, verdict: Verdict) -> None:
    """Found by the swarm: leg A could have been READY by 35 s, but until 40 s its chain answered for `one`."""
    story = root(44)
    story.fault(15, "inject", fault="swapped_nodes", chain="one", other=other)
    story.fault(40, "heal", fault="swapped_nodes", chain="one")
    assert judged("L1", story.history()).verdict is verdict


@pytest.mark.parametrize(("ready", "verdict"), [(48, Verdict.PASS), (52, Verdict.FAIL)])
@pytest.mark.parametrize("reason", ["paused", "removed"])
def test_l1_counts_from_when_the_coordinator_lets_the_relayer_in(reason: str, ready: int, verdict: Verdict) -> None:
    """Paused, or the relayer's role taken away, from 22 s to 40 s."""
    role = ROLES["relayer"]
    off, on = {
        "paused": (pause(), unpause()),
        "removed": (admin("remove_operator", operator=role), admin("add_operator", operator=role)),
    }[reason]
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    for second in range(12, 100, 2):
        calls = {22: off, 40: on, ready: resolve(A.tx_id, "relayer")}
        story.mine("two", second, *([story.tx("two", "owner", calls[second])] if second in calls else []))
    assert judged("L1", story.history()).verdict is verdict


def test_l1_counts_from_a_reorg() -> None:
    """The READY of 24 s was lost at 26 s; READY again at 32 s is within the bound from then."""
    story = root(24, end=26)
    story.reorg(26, "two", 11)
    for second in range(28, 60, 2):
        story.mine("two", second, *([story.tx("two", "relayer", resolve(A.tx_id))] if second == 32 else []))
    assert judged("L1", story.history()).verdict is Verdict.PASS


@pytest.mark.parametrize(("ready", "verdict"), [(None, Verdict.UNKNOWN), (24, Verdict.PASS)])
def test_l1_proves_nothing_against_a_bound_longer_than_the_window(ready: int | None, verdict: Verdict) -> None:
    """A window of 8 s against a bound of 9 s: only a READY proves something."""
    assert judged("L1", root(ready, window_s=8).history()).verdict is verdict


def test_l1_leaves_out_a_parent_that_came_too_late_for_the_window() -> None:
    """The child's window closes at 65 s, its parent is final at 60 s: nobody could be held to it."""
    late = SETTLE.model_copy(update={"timestamp": SETTLE.timestamp - 55})
    story = Story(PAY, late)
    story.mine("two", 2, story.tx("two", "operator", buffer(late, dependency=PAY.tx_id)))
    story.mine("one", 12, story.tx("one", "operator", buffer(PAY)))
    pay(story)
    result = judged("L1", finish(story, settle="BUFFERED"))
    assert (result.verdict, result.judged) == (Verdict.PASS, 1)
    assert "too late for its window" in result.reason


def widened(window_s: int) -> Any:
    """The owner sets another window."""
    return admin("set_coordination_window", event=log("CoordinationWindowSet", window=window_s), window=window_s)


@pytest.mark.parametrize("check", ["L1", "L2"])
def test_a_leg_lives_under_the_window_that_it_expired_in(check: str) -> None:
    """Its window of 12 s closed at 32 s in an outage; it was expired before the owner made the window longer."""
    story = Story(A, window_s=12)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.fault(18, "inject", fault="node_kill", chain="two", restart_after_ms=18_000)
    story.fault(36, "heal", fault="node_kill", chain="two")
    story.mine("two", 40, story.tx("two", "relayer", fail(A.tx_id, function="expire_transaction")))
    story.mine("two", 42, story.tx("two", "owner", widened(90)))
    story.mine("two", 120)
    result = judged(check, story.history())
    assert result.verdict is (Verdict.PASS if check == "L2" else Verdict.NOT_EXERCISED), result.reason


@pytest.mark.parametrize(("ready", "verdict"), [(68, Verdict.PASS), (72, Verdict.FAIL), (None, Verdict.FAIL)])
def test_l1_counts_anew_from_a_window_that_opens_again(ready: int | None, verdict: Verdict) -> None:
    """It closed at 40 s; at 60 s the owner makes it longer, which leaves until 69 s, as without a fault until 29 s."""
    story = Story(A, window_s=20)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.fault(18, "inject", fault="node_kill", chain="two", restart_after_ms=26_000)
    story.fault(44, "heal", fault="node_kill", chain="two")
    story.mine("two", 60, story.tx("two", "owner", widened(80)))
    if ready is not None:
        story.mine("two", ready, story.tx("two", "relayer", resolve(A.tx_id, "relayer")))
    story.mine("two", 120)
    result = judged("L1", story.history())
    assert result.verdict is verdict, result.reason


def test_l1_does_not_know_what_the_end_of_the_run_cut_off() -> None:
    """The run ended at 26 s, before the bound."""
    assert judged("L1", root(None, end=26).history()).verdict is Verdict.UNKNOWN


# Leg A's window closes with second 80; the first block past it is due, the bound runs from 81 s to 90 s.
@pytest.mark.parametrize(
    ("steps", "end", "verdict"),
    [
        # Final at 28 s, executable for a bound's length at 37 s.
        ([(24, resolve(A.tx_id))], 36, Verdict.PASS),
        ([(24, resolve(A.tx_id))], 120, Verdict.FAIL),
        ([(24, resolve(A.tx_id)), (26, execute(A.tx_id))], 120, Verdict.PASS),
        ([(90, fail(A.tx_id, function="expire_transaction"))], 120, Verdict.PASS),
        ([(92, fail(A.tx_id, function="expire_transaction"))], 120, Verdict.FAIL),
        ([(84, resolve(A.tx_id, failed="Transaction expired"))], 120, Verdict.PASS),
        ([(24, resolve(A.tx_id)), (26, fail(A.tx_id))], 120, Verdict.PASS),
        ([], 120, Verdict.FAIL),
        ([], 84, Verdict.UNKNOWN),
        ([], 70, Verdict.UNKNOWN),
    ],
)
def test_l2_wants_an_end_by_window_and_bound(steps: list[tuple[int, Any]], end: int, verdict: Verdict) -> None:
    """READY, EXECUTED, or EXPIRED in time; a run that ended too early proves nothing."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    made = dict(steps)
    for second in range(12, end + 1, 2):
        story.mine("two", second, *([story.tx("two", "relayer", made[second])] if second in made else []))
    assert judged("L2", story.history()).verdict is verdict


@pytest.mark.parametrize(
    ("at_30", "actor"),
    [
        ([], "relayer"),
        ([execute(A.tx_id, "relayer", revert="Transaction not ready")], "contract"),
        ([pause()], None),
        ([(call("remove_operator", "owner", operator=ROLES["relayer"]), ())], None),
        ([(call("set_execution_window", "owner", window_seconds=9), (log("ExecutionWindowSet", window=9),))], None),
    ],
    ids=["left", "refused", "stopped", "no operator", "deadline"],
)
def test_l2_wants_what_is_ready_to_be_executed_where_it_can_be(at_30: list[Any], actor: str | None) -> None:
    """Nothing is held against a relayer that cannot; a contract that refuses it is to blame by itself."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("two", 24, story.tx("two", "relayer", resolve(A.tx_id)))
    for made in at_30:
        tx = story.tx("two", "relayer" if made[0].caller == ROLES["relayer"] else "owner", made)
        if made[0].caller == ROLES["relayer"]:
            story.submit(29, "two", tx)
        story.mine("two", 30, tx)
    story.idle("two", 120)
    assert [finding.actor for finding in judged("L2", story.history()).findings] == ([actor] if actor else [])


@pytest.mark.parametrize(("end", "verdict"), [(80, Verdict.UNKNOWN), (82, Verdict.PASS)])
def test_l2_knows_a_lapsed_leg_where_no_such_state_exists(end: int, verdict: Verdict) -> None:
    """BUFFERED past its window is the documented expiry."""
    assert judged("L2", root(None, end=end, capabilities=()).history()).verdict is verdict


@pytest.mark.parametrize(("end", "verdict"), [(80, Verdict.UNKNOWN), (84, Verdict.PASS), (120, Verdict.PASS)])
def test_l2_knows_a_lapsed_leg_where_only_a_resolve_ends_one(end: int, verdict: Verdict) -> None:
    """The storage shows that there is such a state; nobody has to resolve what will not become READY any more."""
    other = leg("other.a", "two", -40, id=77)
    story = Story(A, other, capabilities=())
    story.mine("two", 10, story.tx("two", "operator", buffer(A), buffer(other)))
    story.mine("two", 22, story.tx("two", "relayer", resolve(other.tx_id, failed="Transaction expired")))
    story.final("two", end, stored(A, "BUFFERED"), stored(other, "EXPIRED"))
    assert judged("L2", story.history()).verdict is verdict


@pytest.mark.parametrize(("end", "verdict"), [(80, Verdict.UNKNOWN), (81, Verdict.PASS)])
def test_l2_takes_now_for_the_time_of_a_chain_whose_head_stays(end: int, verdict: Verdict) -> None:
    """Its head is of 10 s, for nobody needed a block since; the window closed at 80 s."""
    story = idling(capabilities=())
    story.expectation(end)
    assert judged("L2", story.history()).verdict is verdict


@pytest.mark.parametrize(
    ("past", "end", "verdict"),
    [
        # The window closed at 80 s.
        ((), 300, Verdict.UNKNOWN),
        ((90,), 300, Verdict.FAIL),
        ((90, 98), 300, Verdict.FAIL),
        ((200,), 205, Verdict.UNKNOWN),
        ((200, 208), 300, Verdict.PASS),
        ((90, 208), 300, Verdict.FAIL),
    ],
)
def test_l2_counts_from_a_block_past_the_window_where_a_head_stays(
    past: tuple[int, ...], end: int, verdict: Verdict
) -> None:
    """Whoever asks the node what would come of ending the leg is told that it is too early, until another block comes.

    The relayer ends it in the second of the blocks, where it is 208 s.
    """
    story = idling()
    for second in past:
        ends = [story.tx("two", "relayer", fail(A.tx_id, function="expire_transaction"))] if second == 208 else []
        story.heads["two"] = second // 2 - 1
        story.mine("two", second, *ends)
    story.expectation(end)
    assert judged("L2", story.history()).verdict is verdict


def idling(**header: Any) -> Story:
    """Leg A, buffered at 10 s on a chain that mines no block that nobody needs."""
    story = Story(A, **header)
    first = story.records[0]
    assert isinstance(first, Header)
    lazy = first.chains["two"].model_copy(update={"mines_empty_blocks": False})
    story.records[0] = first.model_copy(update={"chains": {**first.chains, "two": lazy}})
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    return story


@pytest.mark.parametrize(("heal", "verdict"), [(100, Verdict.PASS), (88, Verdict.FAIL), (None, Verdict.NOT_EXERCISED)])
def test_l2_counts_from_the_heal(heal: int | None, verdict: Verdict) -> None:
    """Expired at 104 s: in time only if the fault lasted to 100 s."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    for second in range(12, 130, 2):
        expiry = fail(A.tx_id, function="expire_transaction")
        story.mine("two", second, *([story.tx("two", "relayer", expiry)] if second == 104 and heal else []))
    story.fault(70, "inject", chain="two")
    if heal is not None:
        story.fault(heal, "heal", chain="two")
    assert judged("L2", story.history()).verdict is verdict


def test_l2_asks_only_for_legs_whose_buffering_stayed() -> None:
    """Dropped by a reorg, it was never buffered."""
    story = root(None, end=20)
    story.reorg(20, "two", 4)
    story.idle("two", 120)
    assert judged("L2", story.history()).verdict is Verdict.NOT_EXERCISED


def queue(*nonces: tuple[int, str, bool], submitted: int = 20, end: int = 60) -> Story:
    """Submitted nonces with their outcome; the mined ones appear in the block two seconds later."""
    story = Story(A)
    txs = [
        (
            story.tx("two", "relayer", resolve(tx_id(nonce), "relayer")).model_copy(update={"nonce": nonce}),
            outcome,
            mined,
        )
        for nonce, outcome, mined in nonces
    ]
    for tx, outcome, _ in txs:
        story.submit(submitted, "two", tx, outcome)  # type: ignore[arg-type]
    story.mine("two", submitted + 2, *[tx for tx, _, mined in txs if mined])
    story.idle("two", end)
    return story


@pytest.mark.parametrize(
    ("nonces", "verdict", "says"),
    [
        ([(0, "ok", True), (1, "info", True)], Verdict.PASS, ""),
        ([(0, "ok", True), (1, "ok", False)], Verdict.FAIL, "nonce 1"),
        ([(0, "ok", False), (1, "ok", True)], Verdict.FAIL, "although nonce 1 is"),
        ([(0, "ok", False), (1, "ok", False)], Verdict.FAIL, "nonce 1 waits behind it"),
        ([(0, "ok", True), (1, "info", False), (2, "ok", False)], Verdict.FAIL, "nonce 2 waits behind it"),
        ([(0, "ok", True), (2, "ok", False)], Verdict.FAIL, "nonce 1 before it was never accepted"),
        ([(0, "ok", True), (1, "info", False)], Verdict.PASS, "may never have arrived"),
        ([(0, "ok", True), (1, "fail", False)], Verdict.PASS, ""),
        ([(0, "fail", False)], Verdict.NOT_EXERCISED, ""),
    ],
)
def test_l3_wants_every_accepted_nonce_mined(nonces: list[Any], verdict: Verdict, says: str) -> None:
    """Pending, stuck behind a gap, and waiting behind a lost one are failures."""
    result = judged("L3", queue(*nonces).history())
    assert result.verdict is verdict
    assert says in result.reason


def test_l3_counts_a_replaced_nonce_as_mined() -> None:
    """The replacement has another hash and the same nonce."""
    story = queue((0, "ok", False))
    replacement = story.tx("two", "relayer", resolve(tx_id(0), "relayer")).model_copy(update={"nonce": 0})
    story.mine("two", 62, replacement)
    assert judged("L3", story.history()).verdict is Verdict.PASS


def test_l3_keeps_chains_apart() -> None:
    """The same nonce mined on the other chain settles nothing."""
    story = queue((0, "ok", False))
    story.mine("one", 48, story.tx("one", "relayer", resolve(tx_id(0), "relayer")))
    assert judged("L3", story.history()).verdict is Verdict.FAIL


def test_l3_leaves_out_what_was_under_way_at_the_end() -> None:
    """Submitted at 20 s, bound 9 s, end at 28 s: nobody can tell yet."""
    result = judged("L3", queue((0, "ok", False), end=28).history())
    assert result.verdict is Verdict.NOT_EXERCISED
    assert "under way" in result.reason
    assert judged("L3", queue((0, "ok", False), end=34).history()).verdict is Verdict.FAIL


def test_l3_wants_an_orphaned_nonce_mined_again() -> None:
    """Mined at 22 s and orphaned for good."""
    story = queue((0, "ok", True), end=30)
    story.reorg(30, "two", 9)
    story.idle("two", 80)
    assert judged("L3", story.history()).verdict is Verdict.FAIL


def test_l3_excuses_a_fault_that_never_healed() -> None:
    """Nothing could be mined to the end."""
    story = queue((0, "ok", False))
    story.fault(21, "inject", chain="two", fault="gas_limit_cut")
    assert judged("L3", story.history()).verdict is Verdict.NOT_EXERCISED


@pytest.mark.parametrize(
    ("outcome", "between", "verdict"),
    [
        ("info", None, Verdict.FAIL),
        ("ok", None, Verdict.FAIL),
        ("fail", None, Verdict.PASS),
        ("info", "reorg", Verdict.PASS),
        ("info", "down", Verdict.PASS),
        ("info", "doubled", Verdict.PASS),
        ("info", "rpc", Verdict.FAIL),
    ],
)
def test_l3_gives_a_nonce_to_one_call(outcome: Any, between: str | None, verdict: Verdict) -> None:
    """Another call at the nonce of one that may have arrived loses one of them; a reorg or a twin explains it."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    first = story.tx("two", "relayer", resolve(A.tx_id, "relayer"))
    second = story.tx("two", "relayer", resolve(tx_id(8), "relayer")).model_copy(update={"nonce": first.nonce})
    story.submit(20, "two", first, outcome)
    if between == "reorg":
        story.reorg(22, "two", 4)
    elif between == "down":
        events: tuple[tuple[int, RelayerEvent], ...] = ((0, "start"), (21, "kill"), (22, "start"))
        for second_at, event in events:
            story.relayer(second_at, event)
    elif between is not None:
        fault, chain = ("second_relayer", None) if between == "doubled" else ("lost_reply", "two")
        story.fault(15, "inject", fault=fault, chain=chain)
        story.fault(40, "heal", fault=fault, chain=chain)
    story.submit(24, "two", second)
    story.mine("two", 26, second)
    story.idle("two", 60)
    result = judged("L3", story.history())
    assert result.verdict is verdict, result.reason
    if verdict is Verdict.FAIL:
        assert "expected nonce 0 on two to carry one call" in result.reason
        assert len(result.findings) == 1


def test_l3_takes_a_better_offer_and_a_cancellation_for_the_same_nonce() -> None:
    """The same call again, and nothing at all, are no other calls."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    first = story.tx("two", "relayer", resolve(A.tx_id, "relayer"))
    story.submit(20, "two", first)
    better = story.submit(22, "two", first.model_copy(update={"hash": "0xb"}))
    story.records[-1] = better.model_copy(update={"function": None, "args": {}})
    story.submit(24, "two", first)
    story.mine("two", 26, first)
    story.idle("two", 60)
    assert judged("L3", story.history()).verdict is Verdict.PASS


@pytest.mark.parametrize(("again", "verdict"), [({}, Verdict.PASS), ({"payload": "0x99"}, Verdict.FAIL)])
def test_l3_takes_a_mirror_with_a_later_timestamp_for_the_same_call(again: dict[str, Any], verdict: Verdict) -> None:
    """What could only revert is renewed at its nonce; with another payload it is another call."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    first = story.tx("two", "relayer", resolve(A.tx_id, "relayer"))
    one = story.submit(20, "two", first)
    args = {"tx_id": A.tx_id, "payload": "0x11", "timestamp": 30}
    story.records[-1] = one.model_copy(update={"function": "buffer_transaction", "args": args})
    two = story.submit(22, "two", first)
    args = args | {"timestamp": 40} | again
    story.records[-1] = two.model_copy(update={"function": "buffer_transaction", "args": args})
    story.mine("two", 26, first)
    story.idle("two", 60)
    assert judged("L3", story.history()).verdict is verdict


@pytest.mark.parametrize("heal", [40, 110])
def test_a_kill_disturbs_only_as_long_as_the_relayer_is_down(heal: int) -> None:
    """Killed at 22 s and back at 26 s, it has until 35 s, whenever the fault is called healed."""
    story = root(40)
    events: tuple[tuple[int, RelayerEvent], ...] = ((0, "start"), (22, "kill"), (26, "start"))
    for second, event in events:
        story.relayer(second, event)
    story.fault(15, "inject", fault="relayer_kill")
    story.fault(heal, "heal", fault="relayer_kill")
    assert judged("L1", story.history()).verdict is Verdict.FAIL


@pytest.mark.parametrize(("ready", "verdict"), [(48, Verdict.PASS), (52, Verdict.FAIL)])
@pytest.mark.parametrize("reason", ["paused", "removed"])
def test_a_stop_that_a_reorg_took_back_held_until_then(reason: str, ready: int, verdict: Verdict) -> None:
    """Stopped in the block of 22 s, which a reorg at 40 s replaced by one without: no canonical block shows it."""
    stop = pause() if reason == "paused" else admin("remove_operator", operator=ROLES["relayer"])
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("two", 22, story.tx("two", "owner", stop))
    story.idle("two", 40)
    story.reorg(40, "two", 10)
    for second in range(42, 100, 2):
        story.mine("two", second, *([story.tx("two", "relayer", resolve(A.tx_id))] if second == ready else []))
    assert judged("L1", story.history()).verdict is verdict


@pytest.mark.parametrize(
    ("ready", "turns_ms", "starved_ms", "verdict"),
    [
        (30, 0, 900, Verdict.FAIL),
        (30, 0, 1_000, Verdict.UNKNOWN),
        (30, 1_000, 0, Verdict.UNKNOWN),
        (34, 2_000, 1_000, Verdict.FAIL),
        (28, 9_000, 9_000, Verdict.PASS),
        (None, 2_000, 2_000, Verdict.FAIL),
    ],
)
def test_l1_judges_nobody_for_what_the_machine_was_late(
    ready: int | None, turns_ms: int, starved_ms: int, verdict: Verdict
) -> None:
    """The bound is missed by 1 s, by 5 s, or for ever; what the machine was late before it counted is no excuse."""
    story = root(ready)
    story._add(Lag(t_ms=15_000, turns_ms=60_000, starved_ms=60_000))
    story._add(Lag(t_ms=25_000, turns_ms=turns_ms, starved_ms=starved_ms))
    result = judged("L1", story.history())
    assert result.verdict is verdict
    assert ("the machine itself was late by up to" in result.reason) is (verdict is Verdict.UNKNOWN)


@pytest.mark.parametrize(
    ("steps", "poll_ms", "ready", "verdict"),
    [
        (None, 5_000, 32, Verdict.PASS),  # 3 x 2 s + 5 s + 1 s after 20 s
        (None, 5_000, 34, Verdict.FAIL),
        (4, 5_000, 48, Verdict.PASS),  # 4 x (2 s + 5 s) + 1 s
        (4, 5_000, 50, Verdict.FAIL),
        (1, 1_000, 24, Verdict.PASS),
        (1, 1_000, 26, Verdict.FAIL),
    ],
)
def test_l1_counts_on_what_a_relayer_declares(steps: int | None, poll_ms: int, ready: int, verdict: Verdict) -> None:
    """So many polls, each with a block."""
    story = root(ready, poll_ms=poll_ms, relayer_steps=steps)
    assert judged("L1", story.history()).verdict is verdict


@pytest.mark.parametrize(
    ("tried", "says"),
    [
        ("nothing", "the relayer sent nothing at all on two"),
        ("else", "the relayer sent no resolve_dependency for it"),
        ("refused", "was refused (None), and none followed"),
        ("cheap", "was refused (fee too low, at 1000 wei per gas), and none followed"),
        ("reverted", "with status 0 and 100000 gas spent (Not authorized), and none followed"),
        ("lost", "is in no block, at 1 wei per gas"),
        ("early", "was mined in block 12 with status 1 and TransactionFailed (Dependencies not satisfied), and none"),
    ],
)
def test_l1_says_what_the_relayer_tried_last(tried: str, says: str) -> None:
    """So that the finding names the mistake: blind, no retry, a status that was trusted."""
    story = root(None, end=22)
    if tried == "early":
        tx = story.tx("two", "relayer", resolve(A.tx_id, "relayer", failed="Dependencies not satisfied"))
        story.submit(23, "two", tx)
        story.mine("two", 24, tx)
    elif tried == "reverted":
        submitted(story, "two", 24, resolve(A.tx_id, "relayer", revert="Not authorized"))
    elif tried == "cheap":
        story.submit(23, "two", story.tx("two", "relayer", resolve(A.tx_id, "relayer")), "fail")
        story.records[-1] = story.records[-1].model_copy(update={"error": "fee too low", "max_fee_per_gas": 1000})
    elif tried != "nothing":
        tx = story.tx("two", "relayer", resolve(B.tx_id if tried == "else" else A.tx_id, "relayer"))
        story.submit(23, "two", tx, "fail" if tried == "refused" else "ok")
    story.mine("two", 120)
    assert says in judged("L1", story.history()).reason


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ([], "the relayer sent no resolve_dependency for it"),
        (
            [mirror(PAY, "two", 66, revert="")],
            "the relayer's last buffer_transaction for the mirror of swap.pay, at 61.000 s, was mined in block 31 with "
            "status 0 and 100000 gas spent, and none followed",
        ),
        (
            [mirror(PAY, "two", GENESIS + 66)],
            "the relayer sent no resolve_dependency for it",
        ),
        (
            [mirror(PAY, "two", GENESIS + 66), resolve(PAY.tx_id, "relayer", failed="Dependencies not satisfied")],
            "the relayer's last resolve_dependency for the mirror of swap.pay, at 63.000 s, was mined in block 32 with "
            "status 1 and TransactionFailed (Dependencies not satisfied), and none followed",
        ),
    ],
    ids=["no mirror", "reverted", "not resolved", "not ready"],
)
def test_l1_says_what_became_of_the_mirror_that_a_leg_waits_for(made: list[Any], says: str) -> None:
    """No resolve of the leg itself is missing then, but what comes before it."""
    story = begin()
    pay(story)
    for number, one in enumerate(made):
        submitted(story, "two", 62 + 2 * number, one)
    if not made:
        submitted(story, "two", 62, resolve(B.tx_id, "relayer"))
    assert judged("L1", finish(story, at=300, settle="BUFFERED")).reason.endswith(says)


@pytest.mark.parametrize(
    ("mirrored", "due", "named"), [(62, 66, False), (62, 90, True), (82, 86, True)], ids=["in time", "due late", "late"]
)
@pytest.mark.parametrize("ready", [100, None])
def test_l1_names_a_mirror_that_made_its_child_late(mirrored: int, due: int, named: bool, ready: int | None) -> None:
    """The child is due with its parent's mirror: what was given for that, or when it was buffered, is the mistake."""
    story = begin()
    pay(story)
    submitted(story, "two", mirrored, mirror(PAY, "two", GENESIS + due))
    if ready is not None:
        submitted(story, "two", ready, resolve(PAY.tx_id, "relayer"), resolve(SETTLE.tx_id, "relayer"))
    reason = judged("L1", finish(story, at=300, settle="READY" if ready else "BUFFERED", ready=due)).reason
    words = f"; the mirror of swap.pay, buffered at {mirrored}.000 s, is due only at {due}.000 s; "
    assert (words in reason) == named


@pytest.mark.parametrize(("again_s", "named"), [(59, False), (83, True)])
def test_l1_says_that_an_old_state_was_believed(again_s: int, named: bool) -> None:
    """The parent, READY at 36 s, is resolved again long after anybody could see that; a block later may be a race."""
    story = begin()
    pay(story, executed=None)
    again = resolve(PAY.tx_id, "relayer", revert="Transaction not in buffered state")
    submitted(story, "one", again_s + 1, again)
    submitted(story, "two", again_s + 2, resolve(B.tx_id, "relayer"))
    reason = judged("L1", finish(story, at=300, settle="BUFFERED")).reason
    assert "the relayer sent no resolve_dependency for it" in reason
    assert ("it takes an old state for the newest" in reason) is named


@pytest.mark.parametrize(
    ("ancestor", "behind", "verdict"),
    [
        (4, False, Verdict.NOT_EXERCISED),
        (4, True, Verdict.FAIL),  # the next one waits behind a gap
        (5, False, Verdict.FAIL),  # what it was for is still there
    ],
)
def test_l3_what_a_reorg_dropped_with_its_transaction(ancestor: int, behind: bool, verdict: Verdict) -> None:
    """Buffered in block 5 and resolved in block 11; the blocks above the ancestor go, and nothing comes back."""
    story = Story(A, B)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    submitted(story, "two", 22, resolve(A.tx_id, "relayer"))
    story.reorg(30, "two", ancestor, beyond=True)
    if behind:
        story.submit(31, "two", story.tx("two", "relayer", resolve(B.tx_id, "relayer")))
    story.idle("two", 200)
    assert judged("L3", story.history()).verdict is verdict


@pytest.mark.parametrize(("at", "window_s", "verdict"), [(130, 100, Verdict.NOT_EXERCISED), (110, 100, Verdict.FAIL)])
def test_l1_goes_by_the_last_window_that_a_leg_met(at: int, window_s: int, verdict: Verdict) -> None:
    """Due at 20 s, stopped from 30 s to 100 s, past its window of 60 s then; a longer one may come too late for it."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("two", 12, story.tx("two", "owner", pause()))
    story.mine("two", 100, story.tx("two", "owner", unpause()))
    event = log("CoordinationWindowSet", window=window_s)
    setter = admin("set_coordination_window", event=event, window_seconds=window_s)
    story.mine("two", at, story.tx("two", "owner", setter))
    story.idle("two", 300)
    assert judged("L1", story.history()).verdict is verdict


@pytest.mark.parametrize("kind", ["relayer ended", "relayer killed"])
def test_what_was_late_before_the_relayer_ended_is_late(kind: str) -> None:
    """Its end takes back nothing that was due before it; what it had under way to the end it could not wait for."""
    story = root(None, end=40)
    story.note(40, kind, "the relayer ended")
    checks = {result.check: result.verdict for result in judge_recorded(story.history(), DEFAULT, "").checks}
    assert checks["L1"] is Verdict.FAIL
    early = root(None, end=24)
    early.note(24, kind, "the relayer ended")
    checks = {result.check: result.verdict for result in judge_recorded(early.history(), DEFAULT, "").checks}
    assert checks["L1"] is Verdict.UNKNOWN
