"""S2 and S3: a child relies on a parent that is final, and is executed after it."""

from __future__ import annotations

import pytest

from lab.checks import CHECKS
from lab.model.chain.finality import Finality
from lab.model.history import History
from lab.model.verdict import CheckResult, Verdict

from .calls import buffer, execute, mirror, resolve
from .histories import GENESIS, Story, leg
from .swap import PAY, SETTLE, begin, finish, pay, settle, submitted, swap


def judged(check: str, history: History) -> CheckResult:
    """One check's result."""
    return CHECKS[check].judge(history)


@pytest.mark.parametrize("check", ["S2", "S3"])
def test_a_clean_run_passes(check: str) -> None:
    """One child was judged."""
    result = judged(check, swap())
    assert (result.verdict, result.judged) == (Verdict.PASS, 1)


@pytest.mark.parametrize("check", ["S2", "S3"])
def test_a_child_that_never_got_there_exercises_nothing(check: str) -> None:
    """The child stayed BUFFERED."""
    story = begin()
    pay(story)
    assert judged(check, finish(story, settle="BUFFERED")).verdict is Verdict.NOT_EXERCISED


@pytest.mark.parametrize(("sent", "verdict"), [(60, Verdict.PASS), (59.999, Verdict.FAIL), (37, Verdict.FAIL)])
def test_s2_wants_the_parent_final_when_the_mirror_was_submitted(sent: float, verdict: Verdict) -> None:
    """The parent's block 3 (36 s) is final with block 5 at 60 s; mined later or not, submitting earlier fails."""
    story = begin()
    pay(story)
    settle(story, sent=sent)
    story.idle("one", 96)
    result = judged("S2", finish(story))
    assert result.verdict is verdict
    if verdict is Verdict.FAIL:
        (finding,) = result.findings
        assert "final from 60.000 s on" in finding.message
        assert finding.chain == "two"
        assert {story.records[seq].type for seq in finding.evidence} == {"block", "submit"}


def test_s2_judges_the_first_submission_of_a_replaced_transaction() -> None:
    """A replacement after finality does not excuse that the first attempt came before it."""
    story = begin()
    pay(story)
    first = story.tx("two", "relayer", mirror(PAY, "two", GENESIS + 66))
    story.submit(40, "two", first)
    story.submit(61, "two", first.model_copy(update={"hash": "0xreplacement"}))
    story.mine("two", 62, first.model_copy(update={"hash": "0xreplacement"}))
    submitted(story, "two", 66, resolve(PAY.tx_id, "relayer"), resolve(SETTLE.tx_id, "relayer"))
    assert judged("S2", finish(story)).verdict is Verdict.FAIL


def test_s2_forgets_what_an_endpoint_refused() -> None:
    """A refused submission led to nothing."""
    story = begin()
    pay(story)
    tx = story.tx("two", "relayer", mirror(PAY, "two", GENESIS + 66))
    story.submit(40, "two", tx, "fail")
    story.submit(61, "two", tx)
    story.mine("two", 62, tx)
    submitted(story, "two", 66, resolve(PAY.tx_id, "relayer"), resolve(SETTLE.tx_id, "relayer"))
    assert judged("S2", finish(story)).verdict is Verdict.PASS


@pytest.mark.parametrize(("at", "verdict"), [(58, Verdict.FAIL), (62, Verdict.PASS)])
def test_s2_takes_an_operation_or_the_block_where_nothing_was_submitted(at: int, verdict: Verdict) -> None:
    """A mirror by the scenario's operator counts from its operation."""
    story = begin()
    pay(story)
    tx = story.tx("two", "operator", mirror(PAY, "two", GENESIS + 66, "operator"))
    story.operation(at, "two", "buffer_transaction", {}, "ok", tx=tx.hash)
    story.mine("two", 64, tx)
    submitted(story, "two", 66, resolve(PAY.tx_id, "relayer"), resolve(SETTLE.tx_id, "relayer"))
    assert judged("S2", finish(story)).verdict is verdict


def test_s2_fails_for_a_parent_that_a_reorg_took_away() -> None:
    """Within the declared finality a relayer must have waited; an orphaned READY is none."""
    story = begin(finality=Finality(blocks=6))
    pay(story)
    settle(story)
    story.idle("one", 72)
    story.reorg(72, "one", 2)
    result = judged("S2", finish(story, pay="BUFFERED"))
    assert result.verdict is Verdict.FAIL
    assert "not READY on the canonical one" in result.reason


@pytest.mark.parametrize("check", ["S2", "S3"])
def test_a_reorg_beyond_finality_suspends_its_flows(check: str) -> None:
    """The flow is left out, and the reason says so."""
    story = begin()
    pay(story)
    settle(story)
    story.idle("one", 72)
    story.reorg(72, "one", 2, beyond=True)
    result = judged(check, finish(story, pay="BUFFERED"))
    assert result.verdict is Verdict.NOT_EXERCISED
    assert "flow swap" in result.reason


def test_a_reorg_beyond_finality_leaves_other_flows_in_judgement() -> None:
    """The parent of another flow was not in the orphaned range, and that flow's child relied on nothing."""
    lone = leg("other.parent", "one", 30, id=11)
    child = leg("other.child", "two", 60, id=12, after="other.parent")
    story = Story(lone, child)
    story.mine("two", 2, story.tx("two", "operator", buffer(child, dependency=lone.tx_id)))
    story.mine("one", 12, story.tx("one", "operator", buffer(lone)))
    story.idle("one", 36)
    story.reorg(36, "one", 2, beyond=True)
    story.mine("two", 62, story.tx("two", "operator", resolve(child.tx_id)))
    assert judged("S2", story.history()).verdict is Verdict.FAIL


def forged(*, relied_on: bool) -> History:
    """An operator mirrors an id that never existed on chain one; a child may rely on it."""
    ghost = leg("x.ghost", "one", 30, id=99)
    child = leg("x.child", "two", 60, id=98)
    story = Story(child)
    story.mine("two", 2, story.tx("two", "operator", buffer(child, dependency=ghost.tx_id)))
    story.mine("two", 60, story.tx("two", "operator", mirror(ghost, "two", GENESIS + 62, "operator")))
    calls = [resolve(ghost.tx_id)] + ([resolve(child.tx_id)] if relied_on else [])
    story.mine("two", 64, story.tx("two", "operator", *calls))
    return story.history()


def test_s2_catches_a_mirror_without_a_real_parent() -> None:
    """The child of a forged mirror is a failure although no leg declares a parent."""
    result = judged("S2", forged(relied_on=True))
    assert result.verdict is Verdict.FAIL
    assert "transaction 0x000000…" in result.reason


def test_s2_only_mentions_a_forged_mirror_that_nobody_relied_on() -> None:
    """It is no failure by itself, but the reason names it."""
    result = judged("S2", forged(relied_on=False))
    assert result.verdict is Verdict.NOT_EXERCISED
    assert "mirror without a real parent" in result.reason


@pytest.mark.parametrize(
    ("change", "sent", "words"),
    [
        ({}, 61, None),
        ({}, 40, "relying on its parent at 40.000 s, but the parent's block"),
        ({"tx_id": leg("x.y", "one", 0, id=96).tx_id}, 61, "and its origin, one, has no transaction of that id"),
        ({"origin_rollup": "0x" + "99" * 20}, 61, "and its origin, no chain of this run, has no transaction of that"),
    ],
)
@pytest.mark.parametrize("by", ["relayer", "operator"])
def test_s2_wants_the_relayers_mirror_to_have_a_final_parent(
    by: str, change: dict[str, str], sent: float, words: str | None
) -> None:
    """Though no child became READY on it; what others forge is only told of until one does."""
    story = begin()
    pay(story)
    tx = story.tx("two", by, mirror(PAY, "two", GENESIS + 200, by, **change))
    if by == "relayer":
        story.submit(sent, "two", tx)
    story.mine("two", 84, tx)
    story.idle("one", 96)
    findings = [
        finding.message
        for finding in judged("S2", story.history()).findings
        if "expected the relayer to mirror only what is final on its own chain" in finding.message
    ]
    assert len(findings) == (words is not None and by == "relayer")
    assert all(words is not None and words in message for message in findings)


def test_s2_names_a_mirror_of_what_never_became_ready() -> None:
    """The parent is still BUFFERED, and will be for as long as this run goes."""
    story = begin()
    submitted(story, "two", 62, mirror(PAY, "two", GENESIS + 66))
    assert "in block 31 at 62.000 s, and on one it is BUFFERED" in judged("S2", story.history()).reason


def test_s2_catches_a_child_of_nothing() -> None:
    """Its dependency was never buffered anywhere: a contract that takes unset for ready."""
    child = leg("x.child", "two", 60, id=98)
    story = Story(child)
    story.mine("two", 2, story.tx("two", "operator", buffer(child, dependency=PAY.tx_id)))
    story.mine("two", 60, story.tx("two", "operator", resolve(child.tx_id)))
    result = judged("S2", story.history())
    assert result.verdict is Verdict.FAIL
    assert "no chain has such a parent" in result.reason


def test_s2_says_nothing_of_an_ordinary_mirror() -> None:
    """A mirror of a real parent is not worth a note."""
    assert "mirror" not in judged("S2", swap()).reason


def test_s2_does_not_know_a_tag_whose_distance_nobody_recorded() -> None:
    """Without the distance nothing is final or not."""
    tagged = Finality(tag="finalized")
    assert judged("S2", swap(finality=tagged)).verdict is Verdict.UNKNOWN
    assert judged("S2", swap(finality=tagged, tag_depth=2)).verdict is Verdict.PASS
    assert judged("S2", swap(finality=tagged, tag_depth=3)).verdict is Verdict.FAIL


@pytest.mark.parametrize(("seconds", "verdict"), [(25, Verdict.PASS), (26, Verdict.FAIL), (3600, Verdict.FAIL)])
def test_s2_counts_finality_in_seconds_from_the_blocks_timestamp(seconds: int, verdict: Verdict) -> None:
    """READY at 36 s, relied on at 61 s."""
    assert judged("S2", swap(finality=Finality(seconds=seconds))).verdict is verdict


def same_chain(*order: str) -> History:
    """Parent and child on chain two, resolved in the given order in one block."""
    parent = leg("f.parent", "two", 20, id=21)
    child = leg("f.child", "two", 20, id=22, after="f.parent")
    story = Story(parent, child)
    buffers = [buffer(parent), buffer(child, dependency=parent.tx_id)]
    story.mine("two", 10, story.tx("two", "operator", *buffers))
    ids = {"parent": parent.tx_id, "child": child.tx_id}
    story.mine("two", 20, *[story.tx("two", "operator", resolve(ids[name])) for name in order])
    return story.history()


def test_s2_needs_only_the_order_within_one_chain() -> None:
    """One chain is reorganised as a whole, so its finality does not matter there."""
    assert judged("S2", same_chain("parent", "child")).verdict is Verdict.PASS
    assert judged("S2", same_chain("child", "parent")).verdict is Verdict.FAIL
    assert judged("S2", same_chain("child")).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("parent_at", "order", "verdict"),
    [
        (60, "executed", Verdict.PASS),
        (72, "executed", Verdict.FAIL),
        (72, "ready", Verdict.PASS),
        (None, "executed", Verdict.FAIL),
        (None, "ready", Verdict.PASS),
    ],
)
def test_s3_depends_on_the_declared_order(parent_at: int | None, order: str, verdict: Verdict) -> None:
    """The child is executed at 72 s; a parent's block of the same moment on another chain came too late."""
    story = begin(execution_order=order)
    pay(story, executed=None)
    settle(story, executed=None)
    if parent_at is not None:
        story.mine("one", parent_at, story.tx("one", "relayer", execute(PAY.tx_id, "relayer")))
    story.mine("two", 72, story.tx("two", "relayer", execute(SETTLE.tx_id, "relayer")))
    result = judged("S3", finish(story, pay="EXECUTED" if parent_at else "READY"))
    assert result.verdict is verdict


def test_s3_fails_for_a_parent_that_was_never_ready() -> None:
    """Neither order allows it."""
    story = begin()
    story.mine("two", 60, story.tx("two", "operator", resolve(SETTLE.tx_id), execute(SETTLE.tx_id)))
    result = judged("S3", story.history())
    assert result.verdict is Verdict.FAIL
    assert "its parent is not READY" in result.reason


def test_s3_does_not_know_an_execution_that_no_call_shows() -> None:
    """The storage says EXECUTED, but when that happened is not in the history."""
    story = begin()
    pay(story)
    settle(story, executed=None)
    assert judged("S3", finish(story)).verdict is Verdict.UNKNOWN


def test_s3_does_not_blame_for_a_parent_executed_in_the_dark() -> None:
    """An untraced transaction may have executed the parent in time."""
    story = begin(execution_order="executed")
    pay(story, executed=None)
    hidden = story.tx("one", "operator", to="0x01", traced=False, trace_error="pruned")
    story.mine("one", 48, hidden)
    settle(story)
    assert judged("S3", finish(story)).verdict is Verdict.UNKNOWN


def test_s2_says_which_transaction_of_a_shared_id_was_mirrored() -> None:
    """Chain three has one with the parent's id, READY long before the parent; the mirror is of that one."""
    twin = leg("other.pay", "three", 10, id=1)
    story = Story(PAY, SETTLE, twin, names=("one", "two", "three"))
    story.mine("two", 2, story.tx("two", "operator", buffer(SETTLE, dependency=PAY.tx_id)))
    story.mine("one", 12, story.tx("one", "operator", buffer(PAY)))
    story.mine("three", 12, story.tx("three", "operator", buffer(twin), resolve(twin.tx_id)))
    pay(story, ready=84, executed=None)
    submitted(story, "two", 30, mirror(twin, "two", GENESIS + 60))
    submitted(story, "two", 62, resolve(PAY.tx_id, "relayer"), resolve(SETTLE.tx_id, "relayer"))
    (finding,) = judged("S2", story.history()).findings
    assert "final parent swap.pay" in finding.message
    assert finding.message.endswith("; its mirror is of other.pay on three")
