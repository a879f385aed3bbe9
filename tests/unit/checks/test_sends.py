"""L6: what a relayer may send for one call. And S5's word on mirrors, which only a relayer can get wrong."""

from __future__ import annotations

from typing import Any

import pytest

from lab.checks import CHECKS
from lab.checks.liveness.l6_bounded_sends import OFFERS_RAISED, SENDS, TRIES
from lab.model.records import Outcome, Submit, Tx
from lab.model.verdict import CheckResult, Verdict

from .calls import admin, buffer, call, execute, log, resolve
from .histories import Story, leg
from .swap import PAY, SETTLE, begin, finish, pay, settle, submitted, swap

A = leg("flow.a", "two", 20, id=7)
B = leg("flow.b", "two", 20, id=8)


def judged(story: Story) -> CheckResult:
    """The result of L6."""
    return CHECKS["L6"].judge(story.history())


def sent(story: Story, times: list[int], *, nonces: bool = False, hashes: bool = False, outcome: Outcome = "ok") -> Tx:
    """The resolve of A handed over at these seconds: with new nonces, with new bytes, or the very same."""
    tx = story.tx("two", "relayer", resolve(A.tx_id, "relayer"))
    for index, second in enumerate(times):
        changed = {"hash": f"0x{1000 + index:064x}"} if hashes or nonces else {}
        story.submit(second, "two", tx.model_copy(update={**changed, "nonce": index if nonces else 0}), outcome)
    return tx


def test_a_batch_counts_as_an_attempt_for_each_of_its_subjects() -> None:
    """Beside single calls for the same: who asks in batches may ask no more often."""
    story = Story(A, B)
    single = sent(story, list(range(21, 21 + TRIES)), nonces=True)
    batch = call("resolve_batch", "relayer", tx_ids=[A.tx_id, B.tx_id])
    story.submit(30, "two", single.model_copy(update={"calls": (batch,), "nonce": TRIES, "hash": f"0x{9:064x}"}))
    mirrors = [[f"0x{number:064x}", "0x01", "0x02", "0x", "0x00", 40] for number in range(90, 90 + TRIES + 2)]
    for number, mirror in enumerate(mirrors):
        mirrored = call("buffer_batch", "relayer", requests=[mirror])
        changed = {"calls": (mirrored,), "nonce": 50 + number, "hash": f"0x{50 + number:064x}"}
        story.submit(31, "two", single.model_copy(update=changed))
    result = CHECKS["L6"].judge(story.history())
    assert result.verdict is Verdict.FAIL, result.reason
    assert f"expected at most {TRIES} attempts" in result.findings[0].message
    assert result.judged == 2 + len(mirrors), "each mirror is a call of its own, and none is without a name"


def test_a_clean_run_passes_and_counts() -> None:
    """Five submissions with one call each, and three transactions that became READY."""
    result = CHECKS["L6"].judge(swap())
    assert (result.verdict, result.judged) == (Verdict.PASS, 5)
    assert "sent 5 for 3 READY, at most 1 for one call" in result.reason


def test_nothing_sent_is_nothing_judged() -> None:
    """No relayer, or one that never did anything."""
    assert judged(Story(A)).verdict is Verdict.NOT_EXERCISED


@pytest.mark.parametrize(
    ("nonces", "hashes", "bound", "words"),
    [
        (True, False, TRIES, "attempts, each with a nonce of its own"),
        (False, True, 1 + OFFERS_RAISED, "offers for one nonce"),
        (False, False, SENDS, "sends of the very same bytes"),
    ],
)
def test_each_bound_is_drawn_exactly(nonces: bool, hashes: bool, bound: int, words: str) -> None:
    """So many pass, one more does not."""
    for count in (bound, bound + 1):
        story = Story(A)
        sent(story, [20 + 2 * index for index in range(count)], nonces=nonces, hashes=hashes)
        result = judged(story)
        assert result.verdict is (Verdict.PASS if count == bound else Verdict.FAIL)
        if count > bound:
            assert (
                f"at most {bound} {words} for resolve_dependency of flow.a on two, there are {count}" in result.reason
            )


@pytest.mark.parametrize(
    ("call", "outcome", "words"),
    [
        (resolve(A.tx_id, "relayer", revert="Coordinator is paused"), "ok", "reverted (Coordinator is paused)"),
        (resolve(A.tx_id, "relayer", failed="Transaction expired"), "ok", "ended with TransactionFailed (Transaction "),
        (resolve(A.tx_id, "relayer"), "fail", "were refused (None)"),
    ],
)
def test_too_many_attempts_are_told_with_how_they_ended(call: Any, outcome: Outcome, words: str) -> None:
    """What was tried again and again in vain."""
    story = Story(A)
    for second in range(20, 30, 2):
        tx = story.tx("two", "relayer", call)
        story.submit(second, "two", tx, outcome)
        if outcome == "ok":
            story.mine("two", second + 1, tx)
    assert f"; all of them {words}" in judged(story).reason


@pytest.mark.parametrize("nonces", [True, False])
@pytest.mark.parametrize("cause", ["reorg", "death", "fault elsewhere", "fault before"])
def test_a_cause_allows_one_more(nonces: bool, cause: str) -> None:
    """A reorg of the chain or a death of the relayer in between; not what happened elsewhere, or before."""
    story = Story(A)
    bound = TRIES if nonces else SENDS
    sent(story, [20 + 2 * index for index in range(bound + 1)], nonces=nonces)
    if cause == "reorg":
        story.idle("two", 20)
        story.reorg(22, "two", 9)
    elif cause == "death":
        story.relayer(0, "start")
        story.relayer(22, "kill", "killed")
        story.relayer(23, "start")
    else:
        chain, at = ("one", 21) if cause == "fault elsewhere" else ("two", 4)
        story.fault(at, "inject", chain=chain)
        story.fault(at + 1, "heal", chain=chain)
    assert judged(story).verdict is (Verdict.PASS if cause in ("reorg", "death") else Verdict.FAIL)


@pytest.mark.parametrize(
    ("fault", "count", "verdict"),
    [
        ("rpc_error", 10, Verdict.PASS),
        ("pool_full", 10, Verdict.PASS),
        ("base_fee_spike", 3, Verdict.PASS),
        ("base_fee_spike", 10, Verdict.FAIL),
        ("competing_load", 10, Verdict.FAIL),
        # Found by the swarm: a transaction with a higher gas limit than the block's is refused as long as it lasts.
        ("gas_limit_cut", 10, Verdict.PASS),
    ],
)
def test_the_same_bytes_again_help_only_where_they_were_lost(fault: str, count: int, verdict: Verdict) -> None:
    """Once a poll while a node loses or refuses them; never where they are only too cheap."""
    story = Story(A)
    story.fault(18, "inject", fault=fault, chain="two")
    story.fault(60, "heal", fault=fault, chain="two")
    sent(story, [20 + 2 * index for index in range(count)])
    assert judged(story).verdict is verdict


@pytest.mark.parametrize(
    ("fault", "outcome", "verdict"),
    [
        ("pool_full", "fail", Verdict.PASS),
        ("pool_full", "ok", Verdict.FAIL),  # taken: each is an offer that binds
        ("base_fee_spike", "fail", Verdict.FAIL),
        (None, "fail", Verdict.FAIL),
    ],
)
def test_what_a_node_refused_may_be_signed_anew(fault: str | None, outcome: Outcome, verdict: Verdict) -> None:
    """Twenty offers of one nonce, two seconds apart, under a fault that refuses them or without one."""
    story = Story(A)
    if fault is not None:
        story.fault(18, "inject", fault=fault, chain="two")
        story.fault(62, "heal", fault=fault, chain="two")
    sent(story, [20 + 2 * index for index in range(20)], hashes=True, outcome=outcome)
    assert judged(story).verdict is verdict


@pytest.mark.parametrize(("fault", "verdict"), [("pool_drop", Verdict.PASS), (None, Verdict.FAIL)])
def test_what_a_node_lost_may_be_made_anew(fault: str | None, verdict: Verdict) -> None:
    """Twenty mirrors of one nonce at one price, each with a timestamp of its own."""
    story = Story(A)
    if fault is not None:
        story.fault(18, "inject", fault=fault, chain="two")
        story.fault(62, "heal", fault=fault, chain="two")
    for index in range(20):
        mirror = call("buffer_transaction", "relayer", tx_id=A.tx_id, timestamp=40 + index)
        tx = story.tx("two", "relayer", (mirror, ()))
        story.submit(20 + 2 * index, "two", tx.model_copy(update={"nonce": 0, "hash": f"0x{1000 + index:064x}"}))
    assert judged(story).verdict is verdict


def test_a_fault_gives_no_leave_to_send_more_than_once_a_poll() -> None:
    """Twenty sends in ten seconds."""
    story = Story(A)
    story.fault(18, "inject", chain="two")
    story.fault(60, "heal", chain="two")
    sent(story, [20 + index // 2 for index in range(20)])
    assert judged(story).verdict is Verdict.FAIL


def test_a_batch_counts_for_each_of_its_ids() -> None:
    """Four batches that resolve A and B: one too many for either."""
    story = Story(A, B)
    for second in (20, 22, 24, 26):
        batch = call("resolve_batch", "relayer", tx_ids=[A.tx_id, B.tx_id])
        story.submit(second, "two", story.tx("two", "relayer", (batch, ())))
    result = judged(story)
    assert result.judged == 2
    assert {finding.tx_id for finding in result.findings} == {A.tx_id, B.tx_id}


def test_the_dependency_of_a_buffered_transaction_is_not_its_subject() -> None:
    """Four children of one parent are four calls."""
    story = Story()
    for number in range(4):
        child = leg(f"flow.{number}", "two", 20, id=10 + number)
        story.submit(20, "two", story.tx("two", "relayer", buffer(child, "relayer", dependency=A.tx_id)))
    assert (judged(story).verdict, judged(story).judged) == (Verdict.PASS, 4)


@pytest.mark.parametrize(
    ("count", "orphans", "verdict"),
    [
        (TRIES, 0, Verdict.PASS),
        (TRIES + 1, 0, Verdict.UNKNOWN),
        (TRIES + 2, 2, Verdict.PASS),
        (TRIES + 3, 2, Verdict.UNKNOWN),
    ],
)
def test_transactions_that_are_no_calls_leave_a_doubt(count: int, orphans: int, verdict: Verdict) -> None:
    """A few may cancel what was sent before, or free what a reorg left; many hide what they are for."""
    story = Story(A)
    sent(story, [20])
    if orphans:
        story.mine("two", 20, *(story.tx("two", "relayer", buffer(A, "relayer")) for _ in range(orphans)))
        story.reorg(21, "two", 0)
    for nonce in range(count):
        story._add(
            Submit(
                t_ms=22_000 + nonce,
                chain="two",
                sender="0xa2",
                tx=f"0x{nonce}",
                nonce=1 + nonce,
                function=None,
                args={},
                max_fee_per_gas=1,
                outcome="ok",
            )
        )
    assert judged(story).verdict is verdict


@pytest.mark.parametrize(("by", "verdict"), [("relayer", Verdict.FAIL), ("operator", Verdict.PASS)])
def test_s5_forbids_the_relayer_to_execute_a_mirror(by: str, verdict: Verdict) -> None:
    """Its effect belongs to the parent's own chain. What an operator does by hand is not the relayer's doing."""
    story = begin()
    pay(story)
    settle(story)
    if by == "relayer":
        submitted(story, "two", 70, execute(PAY.tx_id, "relayer"))
    else:
        story.mine("two", 70, story.tx("two", by, execute(PAY.tx_id, by)))
    result = CHECKS["S5"].judge(finish(story))
    assert result.verdict is verdict
    if verdict is Verdict.FAIL:
        assert "never to execute a mirror, it executed the mirror of swap.pay on two in block 35" in result.reason
    assert SETTLE.tx_id not in {finding.tx_id for finding in result.findings}


@pytest.mark.parametrize(
    ("again", "disturbed", "verdict"),
    [(40, False, Verdict.FAIL), (40, True, Verdict.PASS), (27, False, Verdict.PASS)],
)
def test_work_is_not_repeated_once_its_effect_is_there_to_see(again: int, disturbed: bool, verdict: Verdict) -> None:
    """READY at 22 s, and a bound later nobody sends another resolve, restarted or not; a reorg is a good reason."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    first = story.tx("two", "relayer", resolve(A.tx_id, "relayer"))
    story.submit(20, "two", first)
    story.mine("two", 22, first)
    story.relayer(again - 2, "kill")
    story.relayer(again - 1, "start")
    if disturbed:
        story.reorg(again - 3, "two", (again - 4) // 2)
    second = story.tx("two", "relayer", resolve(A.tx_id, "relayer")).model_copy(update={"status": 0, "logs": ()})
    refused = second.model_copy(update={"calls": tuple(one.model_copy(update={"ok": False}) for one in second.calls)})
    story.submit(again, "two", refused)
    story.mine("two", again + 2 + again % 2, refused)
    result = judged(story)
    assert result.verdict is verdict
    assert ("work is repeated" in result.reason) is (verdict is Verdict.FAIL)
    assert "1 of 2 mined ones reverted, 100000 gas in vain" in result.reason


@pytest.mark.parametrize(("offer", "verdict"), [(10, Verdict.PASS), (11, Verdict.FAIL)])
def test_fees_have_a_bound(offer: int, verdict: Verdict) -> None:
    """Ten times the first offer, while the base fee stays what it is; the message names both."""
    story = Story(A)
    story.mine("two", 10)
    tx = story.tx("two", "relayer", resolve(A.tx_id, "relayer"))
    story.submit(20, "two", tx)
    story.submit(24, "two", tx.model_copy(update={"hash": "0x" + "e" * 64}))
    story.records[-1] = story.records[-1].model_copy(update={"max_fee_per_gas": offer})
    result = judged(story)
    assert result.verdict is verdict
    assert ("fees without a bound" in result.reason) is (verdict is Verdict.FAIL)


def test_two_accounts_at_work_have_prices_and_nonces_of_their_own() -> None:
    """A keeper pays a hundred times what the relayer does: that is no raise, nor are its nonces the relayer's."""
    story = Story(A)
    story.mine("two", 10)
    mine = story.tx("two", "relayer", resolve(A.tx_id, "relayer"))
    other = mine.model_copy(update={"sender": "0x" + "77" * 20})
    for number in range(OFFERS_RAISED + 1):
        story.submit(20, "two", mine.model_copy(update={"hash": f"0x{number:064x}"}))
        story.submit(20, "two", other.model_copy(update={"hash": f"0x{99 - number:064x}"}))
        story.records[-1] = story.records[-1].model_copy(update={"max_fee_per_gas": 100})
    assert judged(story).verdict is Verdict.PASS, judged(story).reason
    story.submit(24, "two", other.model_copy(update={"hash": "0x" + "e" * 64}))
    story.records[-1] = story.records[-1].model_copy(update={"max_fee_per_gas": 1_001})
    words = "up to 1000 wei per gas, 10 times the first one (100 at 20.000 s)"
    assert any(words in finding.message for finding in judged(story).findings)


@pytest.mark.parametrize(
    ("fault", "outcome", "verdict"),
    [
        ("base_fee_spike", "fail", Verdict.PASS),
        ("base_fee_spike", "ok", Verdict.FAIL),
        ("rpc_error", "fail", Verdict.FAIL),
        (None, "fail", Verdict.FAIL),
    ],
)
def test_a_refused_offer_is_no_first_one_under_a_spike_that_no_block_shows(
    fault: str | None, outcome: Outcome, verdict: Verdict
) -> None:
    """A chain that mines on demand: the base fee jumps between two blocks, refuses an offer, and comes down."""
    story = Story(A)
    story.mine("two", 10)
    if fault is not None:
        story.fault(18, "inject", fault=fault, chain="two")
    tx = story.tx("two", "relayer", resolve(A.tx_id, "relayer"))
    story.submit(20, "two", tx, outcome)
    if fault is not None:
        story.fault(21, "heal", fault=fault, chain="two")
    story.submit(24, "two", tx.model_copy(update={"hash": "0x" + "e" * 64}))
    story.records[-1] = story.records[-1].model_copy(update={"max_fee_per_gas": 20})
    result = judged(story)
    assert result.verdict is verdict, result.reason
    assert ("fees without a bound" in result.reason) is (verdict is Verdict.FAIL)


@pytest.mark.parametrize(("spike", "verdict"), [(17, Verdict.FAIL), (18, Verdict.PASS), (20, Verdict.PASS)])
def test_an_offer_may_be_as_old_as_a_poll_and_its_answer(spike: int, verdict: Verdict) -> None:
    """The base fee is a hundredfold from a block on; an offer on record at 20 s was made from a head of 17 s on."""
    story = Story(A)
    story.mine("two", 10)
    story.idle("two", spike - 1)
    at = spike + spike % 2
    story.mine("two", at)
    story.records[-1] = story.records[-1].model_copy(update={"t_ms": spike * 1000, "base_fee": 100})
    tx = story.tx("two", "relayer", resolve(A.tx_id, "relayer"))
    story.submit(20, "two", tx)
    story.submit(24, "two", tx.model_copy(update={"hash": "0x" + "e" * 64}))
    story.records[-1] = story.records[-1].model_copy(update={"max_fee_per_gas": 200})
    result = judged(story)
    assert ("fees without a bound" in result.reason) is (verdict is Verdict.FAIL)


@pytest.mark.parametrize(
    ("capabilities", "deadline_s", "sent_s", "verdict"),
    [
        (("expiry",), None, 40, Verdict.FAIL),
        (("expiry",), None, 27, Verdict.PASS),
        (("expiry", "deadline"), 0, 40, Verdict.FAIL),
        (("expiry", "deadline"), 60, 40, Verdict.PASS),
        (("expiry", "deadline"), None, 40, Verdict.PASS),
    ],
)
def test_what_is_ready_is_not_expired(
    capabilities: tuple[str, ...], deadline_s: int | None, sent_s: int, verdict: Verdict
) -> None:
    """READY at 22 s, as anybody could see a bound later; where it may have a deadline it can expire from there, too."""
    story = Story(A, capabilities=capabilities)
    if deadline_s is not None:
        event = log("ExecutionWindowSet", window=deadline_s)
        story.mine("two", 2, story.tx("two", "owner", admin("set_execution_window", event=event)))
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    submitted(story, "two", 22, resolve(A.tx_id, "relayer"))
    refused = call("expire_transaction", "relayer", revert="Transaction not expired", tx_id=A.tx_id)
    tx = story.tx("two", "relayer", (refused, ())).model_copy(update={"status": 0})
    story.submit(sent_s, "two", tx)
    story.mine("two", sent_s + 2 + sent_s % 2, tx)
    result = judged(story)
    assert result.verdict is verdict
    assert ("an old state is taken for the newest" in result.reason) is (verdict is Verdict.FAIL)
