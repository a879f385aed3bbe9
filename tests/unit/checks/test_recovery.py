"""L4 and L5: a crash changes no result, and one chain down leaves the others going."""

from __future__ import annotations

from typing import Any

import pytest

from lab.checks import CHECKS
from lab.model.history import History
from lab.model.records import RelayerEvent
from lab.model.verdict import CheckResult, Verdict

from .calls import buffer, execute, fail, resolve
from .histories import Story, leg
from .swap import PAY, SETTLE, begin, finish, pay, settle, submitted, swap

A = leg("flow.a", "two", 20, id=7)
# On chain two the bound is 9 s: READY by 29 s, EXECUTED within 9 s more.
STEPS = {24: resolve(A.tx_id, "relayer"), 26: execute(A.tx_id, "relayer")}


def judged(check: str, of: Story | History) -> CheckResult:
    """One check's result."""
    return CHECKS[check].judge(of.history() if isinstance(of, Story) else of)


def crashed(steps: dict[int, Any], *, died: int = 22, back: int | None = 30, end: int = 120, **header: Any) -> Story:
    """Leg A is due at 20 s; the relayer dies and comes back, and does what it is told at which second."""
    story = Story(A, **header)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    for second in range(12, end + 1, 2):
        story.mine("two", second, *([story.tx("two", "relayer", steps[second])] if second in steps else []))
    story.relayer(0, "start")
    story.relayer(died, "kill", "killed at after_intent")
    if back is not None:
        story.relayer(back, "start")
    return story


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        ({34: STEPS[24], 36: STEPS[26]}, Verdict.PASS),
        ({34: STEPS[24]}, Verdict.FAIL),
        ({18: STEPS[24]}, Verdict.FAIL),
        ({}, Verdict.FAIL),
        ({34: STEPS[24], 36: STEPS[26], 40: STEPS[26]}, Verdict.FAIL),
        ({34: STEPS[24], 100: STEPS[26]}, Verdict.PASS),
    ],
)
def test_l4_wants_the_result_of_a_run_without_the_crash(steps: dict[int, Any], verdict: Verdict) -> None:
    """Executed once; READY is not enough, before the crash or after it. When is L1's to say."""
    result = judged("L4", crashed(steps))
    assert result.verdict is verdict
    if verdict is Verdict.FAIL:
        assert "killed at after_intent at 22.000 s, back at 30.000 s" in result.reason
        assert result.findings[0].tx_id == A.tx_id


def test_l4_needs_a_crash_and_a_return() -> None:
    """Without either there is nothing to converge to."""
    assert "never died" in judged("L4", swap()).reason
    gone = judged("L4", crashed({}, back=None))
    assert gone.verdict is Verdict.NOT_EXERCISED
    assert "not started again" in gone.reason


def test_l4_leaves_out_what_was_done_before() -> None:
    """Executed at 26 s, the crash came at 40 s."""
    assert judged("L4", crashed(STEPS, died=40, back=50)).verdict is Verdict.NOT_EXERCISED


def test_l4_leaves_out_what_could_not_be_done_any_more() -> None:
    """Back at 74 s, the window closes at 80 s, inside of the bound; an execution that failed has its end, too."""
    late = judged("L4", crashed({}, back=74))
    assert late.verdict is Verdict.NOT_EXERCISED
    assert "too late for its window" in late.reason
    failed = judged("L4", crashed({34: STEPS[24], 36: fail(A.tx_id, "relayer")}))
    assert failed.verdict is Verdict.NOT_EXERCISED
    assert "failed at its execution" in failed.reason


def test_l4_counts_from_the_heal() -> None:
    """A fault up to 60 s moves the bound behind it; one to the end takes it away."""
    story = crashed({})
    story.fault(24, "inject", chain="two")
    story.fault(60, "heal", chain="two")
    assert judged("L4", story).verdict is Verdict.FAIL
    story = crashed({})
    story.fault(24, "inject", chain="two")
    assert "disturbed to the end" in judged("L4", story).reason


def test_l4_does_not_know_what_the_end_cut_off() -> None:
    """The run ended at 34 s, four seconds after the return."""
    assert judged("L4", crashed({}, end=34)).verdict is Verdict.UNKNOWN


def test_l4_waits_for_the_parent() -> None:
    """A child whose parent was never resolved is nobody's fault; one whose parent was is."""
    story = begin()
    story.relayer(0, "start")
    story.relayer(20, "kill", "killed")
    story.relayer(30, "start")
    pay(story)
    result = judged("L4", finish(story, at=200, settle="BUFFERED"))
    assert [finding.tx_id for finding in result.findings] == [SETTLE.tx_id]
    story = begin()
    story.relayer(0, "start")
    story.relayer(20, "kill", "killed")
    story.relayer(22, "start")
    result = judged("L4", finish(story, at=200, pay="BUFFERED", settle="BUFFERED"))
    assert [finding.tx_id for finding in result.findings] == [PAY.tx_id]
    assert "swap.settle never became resolvable" in result.reason


def test_l4_waits_for_the_execution_of_the_parent_where_that_is_the_order() -> None:
    """The child is READY, but its parent was never executed."""
    story = begin(execution_order="executed")
    story.relayer(0, "start")
    story.relayer(64, "kill", "killed")
    story.relayer(65, "start")
    pay(story, executed=None)
    settle(story, executed=None)
    result = judged("L4", finish(story, at=200, pay="READY", settle="READY"))
    assert [finding.tx_id for finding in result.findings] == [PAY.tx_id]
    assert "swap.settle waited for its parent" in result.reason


def test_l4_suspends_the_flows_of_a_reorg_beyond_finality() -> None:
    """Its parent is gone for good."""
    story = crashed({34: STEPS[24]}, end=34)
    story.reorg(36, "two", 12, beyond=True)
    story.idle("two", 120)
    assert "deeper than the declared finality" in judged("L4", story).reason


def test_l4_doubts_where_a_transaction_could_not_be_traced() -> None:
    """It may have executed A."""
    story = crashed({34: STEPS[24]})
    story.mine("two", 122, story.tx("two", "relayer", to="0x99", traced=False, trace_error="pruned"))
    assert judged("L4", story).verdict is Verdict.UNKNOWN


# L5: chain one is down from 15 s to 60 s, and leg A lives on chain two only.


def outage(
    ready: int | None,
    *,
    fault: str = "node_kill",
    chain: str = "one",
    heal: int | None = 60,
    end: int = 120,
    window_s: int = 60,
    **params: Any,
) -> Story:
    """Leg A becomes READY at a second, while a chain is down."""
    story = Story(A, window_s=window_s)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    for second in range(12, end + 1, 2):
        story.mine("two", second, *([story.tx("two", "relayer", STEPS[24])] if second == ready else []))
    story.fault(15, "inject", fault=fault, chain=chain, **params)
    if heal is not None:
        story.fault(heal, "heal", fault=fault, chain=chain)
    return story


@pytest.mark.parametrize(
    ("ready", "verdict"), [(28, Verdict.PASS), (30, Verdict.FAIL), (62, Verdict.FAIL), (None, Verdict.FAIL)]
)
def test_l5_asks_for_the_bound_as_if_nothing_had_happened(ready: int | None, verdict: Verdict) -> None:
    """READY by 29 s passes, waiting for the outage to end does not."""
    result = judged("L5", outage(ready))
    assert result.verdict is verdict
    if verdict is Verdict.FAIL:
        assert "by 29.000 s, although one was down from 15.000 s (" in result.reason


@pytest.mark.parametrize(
    "fault",
    [
        "node_kill",
        "node_pause",
        "slow_start",
        "state_lost",
        "partition",
        "halt",
        "rpc_error",
        "rpc_reset",
        "rpc_malformed",
    ],
)
def test_l5_knows_what_takes_a_chain_down(fault: str) -> None:
    """Each of these, if it is total."""
    assert judged("L5", outage(62, fault=fault)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("fault", "params"),
    [("reorg", {}), ("base_fee_spike", {}), ("rpc_error", {"share": 0.5}), ("rpc_error", {"methods": ["eth_call"]})],
)
def test_l5_knows_what_does_not(fault: str, params: dict[str, Any]) -> None:
    """A chain that answers now and then, or is only expensive, is not down."""
    result = judged("L5", outage(62, fault=fault, **params))
    assert result.verdict is Verdict.NOT_EXERCISED
    assert "no chain was down" in result.reason


def test_l5_leaves_out_whoever_touches_the_chain_and_whoever_came_later() -> None:
    """The leg's own chain was down; or the outage was over before the leg was due."""
    own = judged("L5", outage(62, chain="two"))
    assert own.verdict is Verdict.NOT_EXERCISED
    assert "no leg of a flow without two" in own.reason
    assert judged("L5", outage(28, heal=18)).verdict is Verdict.NOT_EXERCISED
    assert judged("L5", outage(62, heal=None)).verdict is Verdict.FAIL


@pytest.mark.parametrize(("ready", "verdict"), [(None, Verdict.NOT_EXERCISED), (24, Verdict.PASS)])
def test_l5_leaves_a_window_shorter_than_the_bound_to_l1(ready: int | None, verdict: Verdict) -> None:
    """Eight seconds against nine: only a READY proves something."""
    assert judged("L5", outage(ready, window_s=8)).verdict is verdict


def test_l5_needs_a_relayer() -> None:
    """Nobody else promised to go on."""
    story = Story(A, poll_ms=0)
    story.fault(15, "inject", fault="halt", chain="one")
    assert "no relayer" in judged("L5", story).reason


def test_l5_does_not_know_what_the_end_cut_off() -> None:
    """The run ended at 26 s, inside of the bound."""
    assert judged("L5", outage(None, heal=None, end=26)).verdict is Verdict.UNKNOWN


def test_l5_leaves_out_a_flow_whose_other_leg_touches_the_chain() -> None:
    """swap.pay lives on chain one, and swap.settle with it."""
    story = begin()
    story.fault(5, "inject", fault="halt", chain="one")
    submitted(story, "one", 36, resolve(PAY.tx_id, "relayer"))
    assert judged("L5", finish(story, pay="READY", settle="BUFFERED")).verdict is Verdict.NOT_EXERCISED


def test_l5_leaves_out_what_was_due_before_the_outage() -> None:
    """Leg A was due by 29 s, chain one went down at 40 s."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("two", 28, story.tx("two", "relayer", STEPS[24]))
    story.fault(40, "inject", fault="halt", chain="one")
    story.fault(60, "heal", fault="halt", chain="one")
    assert judged("L5", story).verdict is Verdict.NOT_EXERCISED


def test_l4_counts_from_the_return_even_for_what_was_late_before() -> None:
    """Due by 29 s and not done when it died at 60 s: that is L1's finding. Back at 74 s it was too late to mend it."""
    late = judged("L4", crashed({}, died=60, back=74))
    assert late.verdict is Verdict.NOT_EXERCISED
    assert "too late for its window" in late.reason


@pytest.mark.parametrize(("end", "verdict"), [(176, Verdict.UNKNOWN), (200, Verdict.FAIL)])
def test_l4_gives_an_execution_its_time_from_the_parents_on(end: int, verdict: Verdict) -> None:
    """The parent was executed at 144 s, final at 168 s: the child, READY since 66 s, had until some 178 s."""
    story = begin(execution_order="executed")
    events: tuple[tuple[int, RelayerEvent], ...] = ((0, "start"), (20, "kill"), (22, "start"))
    for second, event in events:
        story.relayer(second, event)
    pay(story, executed=144)
    settle(story, executed=None)
    result = judged("L4", finish(story, at=end, settle="READY"))
    assert result.verdict is verdict
    assert result.reason.endswith("; the relayer sent no mark_executed for it") == (verdict is Verdict.FAIL)
