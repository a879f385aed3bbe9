"""S9: a flow is executed as a whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from lab.checks import CHECKS
from lab.model.verdict import CheckResult, Verdict

from .calls import buffer, execute, fail, resolve
from .histories import Story, leg
from .swap import begin, finish, pay, swap

A = leg("flow.a", "two", 20, id=7)
B = leg("flow.b", "two", 20, id=8)


def judged(story: Story) -> CheckResult:
    """The result of S9."""
    return CHECKS["S9"].judge(story.history())


def half(*, expiry: int | None = 90, end: int = 120, executed: bool = True, **header: Any) -> Story:
    """A is executed; B, of the same flow, is not, and its window closes with second 80."""
    story = Story(A, B, **header)
    story.mine("two", 10, story.tx("two", "operator", buffer(A), buffer(B)))
    steps: dict[int, Any] = {24: resolve(A.tx_id, "relayer")}
    if executed:
        steps[26] = execute(A.tx_id, "relayer")
    if expiry is not None:
        steps[expiry] = fail(B.tx_id, "relayer", function="expire_transaction")
    for second in range(12, end + 1, 2):
        story.mine("two", second, *([story.tx("two", "relayer", steps[second])] if second in steps else []))
    return story


def test_a_whole_flow_passes() -> None:
    """Both legs executed."""
    result = CHECKS["S9"].judge(swap())
    assert (result.verdict, result.judged) == (Verdict.PASS, 1)


def test_a_flow_that_expired_as_a_whole_passes() -> None:
    """Nothing is half done."""
    story = Story(A, B)
    story.mine("two", 10, story.tx("two", "operator", buffer(A), buffer(B)))
    story.mine(
        "two", 84, *[story.tx("two", "relayer", fail(each.tx_id, function="expire_transaction")) for each in (A, B)]
    )
    story.idle("two", 120)
    assert judged(story).verdict is Verdict.PASS


@pytest.mark.parametrize(("expiry", "capabilities"), [(90, ("expiry",)), (None, ("expiry",)), (None, ())])
def test_a_half_done_flow_fails(expiry: int | None, capabilities: tuple[str, ...]) -> None:
    """Expired by a call, not yet by one, or in a contract without such a state."""
    result = judged(half(expiry=expiry, capabilities=capabilities))
    assert result.verdict is Verdict.FAIL
    assert result.findings[0].tx_id == B.tx_id
    # Known when the window has closed: what is wrong before that may be why.
    assert result.findings[0].t_ms == (90_000 if expiry else 81_000)
    assert "flow.a was EXECUTED on two at 26.000 s, flow.b expired on two" in result.reason


def test_a_child_that_missed_its_window_leaves_a_half_done_flow() -> None:
    """The parent was executed in time, the child never became READY."""
    story = begin()
    pay(story)
    result = CHECKS["S9"].judge(finish(story, at=200, settle="BUFFERED"))
    assert result.verdict is Verdict.FAIL
    assert "swap.settle (its parent is swap.pay) expired" in result.reason


# The bound on chain two is 9 s and B's window closes at 81 s, so whatever healed by 72 s is no excuse.
@pytest.mark.parametrize(
    ("inject", "heal", "chain", "verdict"),
    [
        (30, 72, "two", Verdict.FAIL),
        (30, 74, "two", Verdict.NOT_EXERCISED),
        (30, 74, None, Verdict.NOT_EXERCISED),
        (30, None, "two", Verdict.NOT_EXERCISED),
        (30, None, "one", Verdict.FAIL),
        (82, None, "two", Verdict.FAIL),
    ],
)
def test_only_what_lasted_to_the_windows_end_excuses(
    inject: int, heal: int | None, chain: str | None, verdict: Verdict
) -> None:
    """On the flow's own chain, or on all; not what came after the window."""
    story = half()
    story.fault(inject, "inject", chain=chain)
    if heal is not None:
        story.fault(heal, "heal", chain=chain)
    result = judged(story)
    assert result.verdict is verdict
    assert ("half done, which is excused" in result.reason) is (verdict is Verdict.NOT_EXERCISED)


def test_a_relayer_that_was_down_is_an_excuse() -> None:
    """From 30 s to the end."""
    story = half()
    story.relayer(0, "start")
    story.relayer(30, "kill", "killed")
    assert judged(story).verdict is Verdict.NOT_EXERCISED


def test_a_reorg_beyond_finality_suspends_its_flow() -> None:
    """What it took cannot be asked for."""
    story = half(end=26)
    story.reorg(26, "two", 12, beyond=True)
    story.idle("two", 120)
    result = judged(story)
    assert result.verdict is Verdict.NOT_EXERCISED
    assert "deeper than the declared finality" in result.reason


@pytest.mark.parametrize("header", [{"poll_ms": 0}])
def test_without_a_relayer_nobody_promised_anything(header: dict[str, Any]) -> None:
    """The scenario drives every leg by hand."""
    assert judged(half(**header)).verdict is Verdict.NOT_EXERCISED


def test_a_leg_of_its_own_is_no_flow() -> None:
    """One leg cannot be half done."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.idle("two", 120)
    assert judged(story).verdict is Verdict.NOT_EXERCISED


def test_a_run_that_ended_too_early_proves_nothing() -> None:
    """B was still inside its window; a READY leg is only noted."""
    assert judged(half(expiry=None, end=60)).verdict is Verdict.UNKNOWN
    story = Story(A, B)
    story.mine("two", 10, story.tx("two", "operator", buffer(A), buffer(B)))
    story.mine("two", 24, story.tx("two", "relayer", resolve(A.tx_id), resolve(B.tx_id)))
    story.mine("two", 26, story.tx("two", "relayer", execute(A.tx_id)))
    result = judged(story)
    assert result.verdict is Verdict.NOT_EXERCISED
    assert "flow.b was READY to the end" in result.reason


def test_an_untraced_transaction_leaves_a_doubt() -> None:
    """It may have executed B."""
    story = half(expiry=None, end=60)
    story.mine("two", 62, story.tx("two", "relayer", to="0x99", traced=False, trace_error="pruned"))
    story.idle("two", 120)
    result = judged(story)
    assert result.verdict is Verdict.UNKNOWN
    assert "untraced" in result.reason
