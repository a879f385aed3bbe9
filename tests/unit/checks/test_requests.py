"""L7: how often a relayer may ask. Figures are calls in five seconds; twelve times that is the rate."""

from __future__ import annotations

from typing import Any

import pytest

from lab.checks import CHECKS
from lab.checks.liveness.l7_bounded_requests import HAMMERING
from lab.checks.verdict import judge_recorded
from lab.model.checks import CheckSelection
from lab.model.records import Lag
from lab.model.verdict import CheckResult, Verdict

from .calls import buffer, execute, resolve
from .histories import Story, leg
from .swap import begin, pay, settle

LEGS = [leg(f"flow.{name}", "two", 20, id=number) for number, name in enumerate("abcdefgh", 1)]
END = 160


def judged(story: Story) -> CheckResult:
    """The result of L7."""
    return CHECKS["L7"].judge(story.history())


def told(result: CheckResult) -> str:
    return " ".join([result.reason, *(finding.message for finding in result.findings)])


def limited(calls: int, *, calm: int = 20, **header: Any) -> Story:
    """Calm for 20 s, then 20 s in which every call is answered that there are too many."""
    story = Story(names=("two",), **header)
    story.requests(0, 20, "two", calm)
    story.fault(20, "inject", chain="two", id="limits", http_status=429)
    story.requests(20, 40, "two", calls, limited=calls)
    story.fault(40, "heal", chain="two", id="limits")
    return story


def lived(first: int, second: int, *, later: int = 7, **header: Any) -> Story:
    """One transaction is over at 24 s, `later` more at 84 s; asked `first` and `second` times at rest then."""
    story = Story(*LEGS, names=("two",), **header)
    for at, legs in ((10, LEGS[:1]), (70, LEGS[1 : later + 1])):
        story.mine("two", at, story.tx("two", "operator", *(buffer(each) for each in legs)))
        for second_later, step in ((12, resolve), (14, execute)):
            tx = story.tx("two", "relayer", *(step(each.tx_id, "relayer") for each in legs))
            story.mine("two", at + second_later, tx)
    story.idle("two", END)
    story.requests(0, 40, "two", 50)
    story.requests(40, 70, "two", first)
    story.requests(70, 100, "two", 50)
    story.requests(100, END, "two", second)
    return story


def test_who_promised_nothing_is_not_judged() -> None:
    """A scenario about the bound is not exercised then, and does not pass; what endpoints refuse is bounded anyway."""
    named = CheckSelection(default=False, added=("L7",), removed=())
    verdict = judge_recorded(lived(10, 400).history(), named, "")
    assert (verdict.verdict, verdict.reasons) == (
        Verdict.NOT_EXERCISED,
        ("not exercised: the relayer declares no bound on requests (`requests_per_minute` of lab.yaml)",),
    )
    assert judge_recorded(lived(10, 400, requests_per_minute=9_000).history(), named, "").verdict is Verdict.FAIL
    assert CHECKS["L7"].undeclared(limited(20).history()) is None


def test_without_counts_there_is_nothing_to_judge() -> None:
    """Under the virtual clock a relayer is no process, and a scenario that names the check is not blamed for it."""
    result = judged(Story())
    assert (result.verdict, CHECKS["L7"].concerns(Story().history())) == (Verdict.NOT_EXERCISED, False)
    assert "real clock" in result.reason


def test_what_nobody_promised_is_said_and_not_judged() -> None:
    """However much it is."""
    story = Story(names=("two",))
    story.requests(0, 90, "two", 100_000)
    result = judged(story)
    assert result.verdict is Verdict.NOT_EXERCISED
    assert "two was asked 1200000 times a minute, at most 1200000" in result.reason
    assert CHECKS["L7"].concerns(story.history())


@pytest.mark.parametrize(("bound", "verdict"), [(240, Verdict.PASS), (239, Verdict.FAIL)])
def test_a_declared_bound_is_drawn_exactly(bound: int, verdict: Verdict) -> None:
    """By the minute: a burst in it is no breach."""
    story = Story(names=("two",), requests_per_minute=bound)
    for start in range(0, 120, 10):
        story.requests(start, start + 5, "two", 0)
        story.requests(start + 5, start + 10, "two", 40)
    result = judged(story)
    assert (result.verdict, result.judged) == (verdict, 1)
    if verdict is Verdict.FAIL:
        assert "expected at most 239 requests a minute to two, as lab.yaml declares; there were 240" in told(result)


def test_a_declared_bound_missed_on_a_late_machine_is_unknown() -> None:
    """What it held up comes at once."""
    story = Story(names=("two",), requests_per_minute=239)
    story.requests(0, 60, "two", 20)
    story.records.append(Lag(seq=99, t_ms=30_000, turns_ms=500, starved_ms=500))
    result = judged(story)
    assert result.verdict is Verdict.UNKNOWN
    assert "the machine itself was late" in result.reason


def test_less_than_a_minute_shows_nothing_of_a_bound() -> None:
    story = Story(names=("two",), requests_per_minute=1)
    story.requests(0, 55, "two", 20)
    assert judged(story).verdict is Verdict.NOT_EXERCISED


@pytest.mark.parametrize("calls", [20 * HAMMERING, 20 * HAMMERING + 1])
def test_hammering_is_drawn_exactly(calls: int) -> None:
    """So many times what it asked in calm, and no more; whoever does not slow down is named, and passes."""
    result = judged(limited(calls))
    assert result.verdict is (Verdict.FAIL if calls > 20 * HAMMERING else Verdict.PASS), result.reason
    if calls > 20 * HAMMERING:
        assert "expected at most 2400 requests a minute to two while it answers that there are too many" in told(result)
        assert "requests are repeated without backing off" in told(result)
    assert "it did not slow down on two: " in result.reason


def test_who_slows_down_is_said_to() -> None:
    assert "it slowed down on two: 24 a minute, 240 in calm" in judged(limited(2)).reason


def test_more_transactions_are_more_to_ask() -> None:
    """Whoever asks for each of them does so under a limit, too."""
    story = limited(20 * HAMMERING + 1)
    assert judged(story).verdict is Verdict.FAIL
    story.mine("two", 22, story.tx("two", "operator", buffer(LEGS[0])))
    assert judged(story).verdict is Verdict.PASS


@pytest.mark.parametrize("kind", ["never asked", "disturbed"])
def test_without_a_calm_time_hammering_cannot_be_told(kind: str) -> None:
    """Another fault all the while, or a relayer that did not ask."""
    story = limited(10_000, calm=0 if kind == "never asked" else 20)
    if kind == "disturbed":
        story.fault(0, "inject", chain="two", id="other")
    result = judged(story)
    assert result.verdict is Verdict.NOT_EXERCISED
    assert "two refused requests as too many, and no time was calm" in result.reason


def late(story: Story, begin: int, end: int, *, starved_ms: int) -> Story:
    """So much waited for a processor in each second."""
    for at in range(begin, end):
        story.records.append(Lag(seq=1000 + at, t_ms=at * 1000, turns_ms=0, starved_ms=starved_ms))
    return story


def test_what_a_late_machine_left_of_a_time_is_its_measure() -> None:
    """Of seven seconds that are looked at, half a second is lost in each: 20 calls in 1.5 s are 66 in 5 s."""
    for calls, verdict in ((66 * HAMMERING, Verdict.UNKNOWN), (67 * HAMMERING, Verdict.FAIL)):
        result = judged(late(limited(calls), 0, 20, starved_ms=500))
        assert result.verdict is verdict, result.reason
    hidden = judged(late(limited(10_000), 0, 22, starved_ms=900))
    assert (hidden.verdict, "the machine itself was late" in hidden.reason) == (Verdict.UNKNOWN, True)
    for starved_ms, verdict in ((300, Verdict.FAIL), (900, Verdict.UNKNOWN)):
        result = judged(late(lived(10, 60, requests_per_minute=10_000), 38, 72, starved_ms=starved_ms))
        assert result.verdict is verdict, result.reason
    assert "the machine itself was late" in result.reason


def test_growth_is_told_where_a_bound_is_declared() -> None:
    """From one rest to the next, by more than half; what is over asks for ever."""
    result = judged(lived(10, 16, requests_per_minute=10_000))
    assert result.verdict is Verdict.FAIL
    assert (
        "at rest two was asked 120 to 120 times a minute from 40.000 s to 55.000 s, when 1 transaction was over, and "
        "192 to 192 times a minute from 145.000 s to 160.000 s, when 8 transactions were over" in told(result)
    )
    assert judged(lived(10, 15, requests_per_minute=10_000)).verdict is Verdict.PASS


@pytest.mark.parametrize(("steps", "verdict"), [(3, Verdict.PASS), (6, Verdict.FAIL)])
def test_growth_with_time_alone_is_growth(steps: int, verdict: Verdict) -> None:
    """In one rest: its first three periods against its last three, of 10 calls and two more each time."""
    story = Story(*LEGS, names=("two",), requests_per_minute=10_000)
    for at, step in ((10, buffer(LEGS[0])), (22, resolve(LEGS[0].tx_id)), (24, execute(LEGS[0].tx_id))):
        story.mine("two", at, story.tx("two", "operator", step))
    story.idle("two", END)
    for place in range(steps + 3):
        story.requests(40 + 5 * place, 45 + 5 * place, "two", 10 + 2 * place)
    result = judged(story)
    assert result.verdict is verdict, result.reason


def test_growth_that_nobody_excluded_is_said() -> None:
    """By its figures; no failure."""
    result = judged(lived(10, 160))
    assert result.verdict is Verdict.NOT_EXERCISED
    assert "1920 to 1920 times a minute" in result.reason
    assert "`requests_per_minute` has that judged" in result.reason


@pytest.mark.parametrize("kind", ["disturbed", "sending", "open"])
def test_growth_is_a_matter_of_rest(kind: str) -> None:
    """A fault, something to send, or a transaction that is open explain more requests."""
    story = lived(10, 160, requests_per_minute=10_000)
    if kind == "disturbed":
        story.fault(90, "inject", chain="two", id="other")
    if kind == "sending":
        for at in range(90, END, 5):
            story.submit(at, "two", story.tx("two", "relayer", execute(LEGS[0].tx_id, "relayer")))
    if kind == "open":
        late = leg("flow.late", "two", 500, id=99)
        story.heads["two"] = 34
        story.mine("two", 70, story.tx("two", "operator", buffer(late)))
    assert judged(story).verdict is Verdict.PASS, judged(story).reason


def test_a_mirror_is_over_when_it_is_ready() -> None:
    """Nobody executes it: else there were no rest behind a flow over two chains, and no growth would be told."""
    story = begin(requests_per_minute=10_000)
    pay(story)
    settle(story)
    story.idle("one", 400)
    for at, step in ((202, buffer(LEGS[6])), (214, resolve(LEGS[6].tx_id)), (216, execute(LEGS[6].tx_id))):
        story.mine("two", at, story.tx("two", "operator", step))
    story.idle("two", 400)
    story.requests(0, 200, "two", 5)
    story.requests(200, 400, "two", 50)
    result = judged(story)
    assert result.verdict is Verdict.FAIL, result.reason
    assert "when 3 transactions were over" in told(result)
