"""S12: what the relayer's store held at rest, against what the chains did."""

from __future__ import annotations

from typing import Any

import pytest

from lab.checks import CHECKS
from lab.model.chain.finality import Finality
from lab.model.records import Block, Header
from lab.model.verdict import CheckResult, Verdict

from .calls import buffer, execute, fail, resolve
from .histories import Story, believed, leg

A = leg("flow.a", "two", 20, id=7)
B = leg("flow.b", "two", 20, id=8)


def begin(**header: Any) -> tuple[Story, Block, Block]:
    """Leg A: buffered at 10 s, READY at 24 s, executed at 26 s by the relayer. B was only buffered."""
    story = Story(A, B, **header)
    buffered = story.mine("two", 10, story.tx("two", "operator", buffer(A), buffer(B)))
    ready = story.mine("two", 24, story.tx("two", "relayer", resolve(A.tx_id, "relayer")))
    story.mine("two", 26, story.tx("two", "relayer", execute(A.tx_id, "relayer")))
    return story, buffered, ready


def judged(story: Story) -> CheckResult:
    """The result of S12."""
    return CHECKS["S12"].judge(story.history())


def test_a_store_that_says_what_the_chain_does_passes() -> None:
    """One checkpoint and two beliefs."""
    story, buffered, ready = begin()
    story.store("two", 120, believed(A, "EXECUTED", buffered, ready), believed(B, "BUFFERED", buffered))
    result = judged(story)
    assert (result.verdict, result.judged) == (Verdict.PASS, 3)


def test_without_a_readable_store_there_is_nothing_to_judge() -> None:
    """Another relayer keeps its own; a file that could not be read is a doubt."""
    story, *_ = begin()
    story.idle("two", 120)
    assert judged(story).verdict is Verdict.NOT_EXERCISED
    story.store("two", 120, error="DatabaseError: file is not a database")
    result = judged(story)
    assert result.verdict is Verdict.UNKNOWN
    assert "not a database" in result.reason


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"state": "READY"}, "is EXECUTED on the chain, in it READY"),
        ({"state": "EXPIRED"}, "is EXECUTED on the chain, in it EXPIRED"),
        ({"ready": (13, "0xother")}, "became READY in block 12 ("),
        ({"ready": None}, "in it in block none"),
        ({"buffered": (5, "0xorphan")}, "was buffered in block 5 (0xtwo5"),
        ({"tx_id": B.tx_id}, "flow.a on two as the chain does; it is missing in it"),
    ],
)
def test_every_field_counts(wrong: dict[str, Any], words: str) -> None:
    """States, the blocks of both steps with their hashes, and the id."""
    story, buffered, ready = begin()
    belief = believed(A, "EXECUTED", buffered, ready).model_copy(update=wrong)
    story.store("two", 120, belief, believed(B, "BUFFERED", buffered))
    result = judged(story)
    assert result.verdict is Verdict.FAIL
    assert any(words in finding.message for finding in result.findings), result.findings


def test_a_row_too_many_and_a_row_of_nothing_fail() -> None:
    """Twice the same id; an id that no block buffered."""
    story, buffered, ready = begin()
    a, b = believed(A, "EXECUTED", buffered, ready), believed(B, "BUFFERED", buffered)
    story.store("two", 120, a, a, b, b.model_copy(update={"tx_id": f"0x{9:064x}"}))
    messages = [finding.message for finding in judged(story).findings]
    assert len(messages) == 2
    assert "is in it 2 times" in messages[0]
    assert "was buffered in block none" in messages[1]


@pytest.mark.parametrize(("checkpoint", "verdict"), [(58, Verdict.PASS), (59, Verdict.FAIL)])
def test_the_checkpoint_is_at_most_the_final_head(checkpoint: int, verdict: Verdict) -> None:
    """The head is block 60, final after two."""
    story, buffered, ready = begin()
    beliefs = believed(A, "EXECUTED", buffered, ready), believed(B, "BUFFERED", buffered)
    story.store("two", 120, *beliefs, checkpoint=(checkpoint, "0x"))
    result = judged(story)
    assert result.verdict is verdict
    if verdict is Verdict.FAIL:
        assert "at most the final head, block 58 by 2 blocks; it is block 59" in result.reason


@pytest.mark.parametrize(
    ("finality", "tag_depth", "checkpoint", "verdict"),
    [
        (Finality(seconds=20), None, 50, Verdict.PASS),
        (Finality(seconds=20), None, 53, Verdict.FAIL),
        (Finality(tag="safe"), 5, 55, Verdict.PASS),
        (Finality(tag="safe"), 5, 56, Verdict.FAIL),
        (Finality(tag="safe"), None, 55, Verdict.UNKNOWN),
    ],
)
def test_every_kind_of_finality_bounds_the_checkpoint(
    finality: Finality, tag_depth: int | None, checkpoint: int, verdict: Verdict
) -> None:
    """By age with a block's slack, by tag, and by a tag whose distance nobody recorded."""
    story, buffered, ready = begin(finality=finality, tag_depth=tag_depth)
    beliefs = believed(A, "EXECUTED", buffered, ready), believed(B, "BUFFERED", buffered)
    story.store("two", 120, *beliefs, checkpoint=(checkpoint, "0x"))
    assert judged(story).verdict is verdict


@pytest.mark.parametrize(("appeared_ms", "verdict"), [(100_900, Verdict.PASS), (101_100, Verdict.FAIL)])
def test_a_block_can_be_almost_a_second_younger_than_its_timestamp(appeared_ms: int, verdict: Verdict) -> None:
    """Block 50 says 100 s and is final at 120 s by that, on a chain with five blocks a second."""
    story, buffered, ready = begin(finality=Finality(seconds=20))
    header = story.records[0]
    assert isinstance(header, Header)
    fast = header.chains["two"].model_copy(update={"block_time_ms": 200})
    story.records[0] = header.model_copy(update={"chains": {**header.chains, "two": fast}})
    story.mine("two", 100)
    story.records[-1] = story.records[-1].model_copy(update={"t_ms": appeared_ms})
    story.mine("two", 102)
    beliefs = believed(A, "EXECUTED", buffered, ready), believed(B, "BUFFERED", buffered)
    story.store("two", 120, *beliefs, checkpoint=(50, "0x"))
    assert judged(story).verdict is verdict


def test_what_it_had_the_time_to_scan_must_be_scanned() -> None:
    """The scan stopped at block 4, before anything was buffered, 100 s before the end."""
    story, *_ = begin()
    story.store("two", 120, position=(4, "0x"), checkpoint=(2, "0x"))
    result = judged(story)
    assert result.verdict is Verdict.FAIL
    assert "which it never scanned (up to 4)" in result.reason
    late, *_ = begin()
    late.store("two", 28, position=(4, "0x"), checkpoint=(2, "0x"))
    assert judged(late).verdict is Verdict.PASS


@pytest.mark.parametrize(("checkpoint", "verdict"), [(4, Verdict.PASS), (11, Verdict.FAIL), (14, Verdict.FAIL)])
def test_a_dead_relayer_answers_for_its_checkpoint_only(checkpoint: int, verdict: Verdict) -> None:
    """Killed at 22 s with its position at block 14 and no row of A, which block 5 buffered."""
    story, buffered, _ = begin()
    story.relayer(0, "start")
    story.relayer(22, "kill", "killed at after_scan")
    story.store("two", 120, believed(B, "BUFFERED", buffered), position=(14, "0x"), checkpoint=(checkpoint, "0x"))
    result = judged(story)
    assert result.verdict is verdict
    assert "up to the checkpoints only" in result.reason


def test_beliefs_above_the_judged_height_are_left_out() -> None:
    """Killed at 25 s: what it saw above its checkpoint may be gone by a reorg that it never heard of."""
    story, buffered, _ = begin()
    story.relayer(0, "start")
    story.relayer(25, "kill", "killed")
    stale = believed(A, "READY", buffered).model_copy(update={"ready": (12, "0xorphan")})
    gone = believed(B, "BUFFERED", buffered).model_copy(update={"tx_id": f"0x{9:064x}", "buffered": (11, "0x")})
    beliefs = (stale, believed(B, "BUFFERED", buffered), gone)
    story.store("two", 120, *beliefs, position=(12, "0x"), checkpoint=(10, "0x"))
    assert judged(story).verdict is Verdict.PASS


def test_a_reorg_beyond_finality_takes_a_dead_relayers_checkpoint_along() -> None:
    """Nobody was there to notice."""
    story, buffered, ready = begin()
    story.relayer(0, "start")
    story.relayer(27, "kill", "killed")
    story.reorg(30, "two", 2, beyond=True)
    story.store("two", 120, believed(A, "EXECUTED", buffered, ready), checkpoint=(11, "0x"))
    result = judged(story)
    assert result.verdict is Verdict.PASS
    assert "deeper than the declared finality" in result.reason


def test_what_others_executed_need_not_be_known() -> None:
    """mark_executed emits nothing."""
    story = Story(A)
    buffered = story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    ready = story.mine("two", 24, story.tx("two", "relayer", resolve(A.tx_id, "relayer")))
    story.mine("two", 26, story.tx("two", "operator", execute(A.tx_id)))
    story.store("two", 120, believed(A, "READY", buffered, ready))
    result = judged(story)
    assert result.verdict is Verdict.PASS
    assert "executed by another" in result.reason


@pytest.mark.parametrize(("capabilities", "verdict"), [(("expiry",), Verdict.FAIL), ((), Verdict.PASS)])
def test_an_expiry_without_a_state_of_its_own(capabilities: tuple[str, ...], verdict: Verdict) -> None:
    """Believed EXPIRED because an event says so; where the contract has the state, the event would have set it."""
    story = Story(A, capabilities=capabilities)
    buffered = story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    if not capabilities:
        story.mine("two", 90, story.tx("two", "relayer", fail(A.tx_id, "relayer", function="resolve_dependency")))
    story.store("two", 120, believed(A, "EXPIRED", buffered))
    assert judged(story).verdict is verdict


def test_an_untraced_transaction_leaves_a_doubt() -> None:
    """It may have executed A through another contract."""
    story = Story(A)
    buffered = story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    ready = story.mine("two", 24, story.tx("two", "relayer", resolve(A.tx_id, "relayer")))
    story.mine("two", 26, story.tx("two", "relayer", to="0x99", traced=False, trace_error="pruned"))
    story.store("two", 120, believed(A, "EXECUTED", buffered, ready))
    result = judged(story)
    assert result.verdict is Verdict.UNKNOWN
    assert "untraced" in result.reason
