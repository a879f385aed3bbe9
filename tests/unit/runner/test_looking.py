"""An expectation with a time limit, on a machine that is late itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.model.contract.names import Limits
from lab.model.records import Lag
from lab.runner.conditions import Judged
from lab.runner.steps import judging
from lab.scenario.expectations import StateExpectation

from ..checks.calls import buffer, execute, resolve
from ..checks.histories import Story, leg


def bench(run: Any, limits: Limits | None = None) -> Any:
    """The lab of a run whose clock obeys, with a contract of these limits on two idle chains."""
    scheduler = SimpleNamespace(advance_to=lambda ms: setattr(run, "now_ms", ms))
    chains = {
        name: SimpleNamespace(
            profile=SimpleNamespace(block_time_ms=2_000, mines_empty_blocks=name == "one"),
            producer=SimpleNamespace(idle_ms=12_000),
        )
        for name in ("one", "two")
    }
    spec = SimpleNamespace(target=SimpleNamespace(limits=limits or Limits()))
    return SimpleNamespace(scheduler=scheduler, chains=chains, spec=spec)


@pytest.mark.parametrize(
    ("limits", "waits_s"),
    [
        (Limits(), 20),
        (Limits(resolve_after_blocks=3), 20 + 3 * 2 + 3 * 12),
        (Limits(resolve_after_seconds=30), 20 + 2 * 30),
    ],
)
def test_a_delay_of_the_contract_comes_beside_the_time_given(
    monkeypatch: pytest.MonkeyPatch, limits: Limits, waits_s: int
) -> None:
    """Of the leg and of its parent, each on its own chain; an idle chain without empty blocks is slow."""
    legs = {"f.b": SimpleNamespace(chain="two", after="f.a"), "f.a": SimpleNamespace(chain="one", after=None)}
    run: Any = SimpleNamespace(now_ms=0, history=lambda: None, item=SimpleNamespace(leg=legs.__getitem__))
    run.lab, said = bench(run, limits), list[bool | None]()
    run.expectation = lambda step, expected, actual, met, tried, rows, about: said.append(met)
    monkeypatch.setattr(judging, "late_ms", lambda history, start_ms, end_ms: 0)
    monkeypatch.setattr(judging, "_undone", lambda run, step: None)
    monkeypatch.setattr(judging, "_lapsed", lambda run, step, judged: judged)
    monkeypatch.setattr(judging, "_look", lambda *_: Judged(False, "a leg READY", "the leg's state"))
    condition = StateExpectation.model_construct(leg="f.b", state="READY")
    step: Any = SimpleNamespace(within_ms=20_000, hold_ms=None, condition=condition)
    judging.expect(run, step)
    assert (run.now_ms, said) == (waits_s * 1000, [False])


@pytest.mark.parametrize(
    ("comes_ms", "lag_ms", "met"),
    [
        (9_000, 0, True),
        (12_000, 0, False),  # the virtual clock, or a machine that is never late
        (12_000, 3_000, None),
        (14_000, 3_000, False),
        (25_000, 60_000, False),  # no more than the limit once again
    ],
)
def test_what_comes_later_than_the_machine_is_late_is_not_met(
    monkeypatch: pytest.MonkeyPatch, comes_ms: int, lag_ms: int, met: bool | None
) -> None:
    """Within 10 s, seen at `comes_ms`; both figures are in the text where nobody knows."""
    run: Any = SimpleNamespace(now_ms=0, history=lambda: None)
    run.lab = bench(run)
    run.expectation = lambda step, expected, actual, met, tried, rows, about: said.append((actual, met))
    said: list[tuple[str, bool | None]] = []
    monkeypatch.setattr(judging, "late_ms", lambda history, start_ms, end_ms: lag_ms)
    monkeypatch.setattr(judging, "_look", lambda *_: Judged(run.now_ms >= comes_ms, "a leg READY", "the leg's state"))
    step: Any = SimpleNamespace(within_ms=10_000, hold_ms=None, condition=object())
    judging.expect(run, step)
    ((actual, judged),) = said
    assert judged is met
    assert ("missed by 2.000 s; the machine itself was late by up to 3.000 s" in actual) is (met is None)


A = leg("flow.a", "two", 20, id=7)


def looked(history: Any, state: str, actual: str, now_s: int, **step: Any) -> tuple[str, bool | None]:
    """What an expectation of A came to that is not met at `now_s` and does not become so."""
    run: Any = SimpleNamespace(now_ms=now_s * 1000, history=lambda: history)
    run.lab = bench(run)
    judgements: list[tuple[str, bool | None]] = []
    run.expectation = lambda step, expected, actual, met, tried, rows, about: judgements.append(
        (f"{actual}; {tried}" if tried else actual, met)
    )
    condition = StateExpectation.model_construct(leg=A.name, state=state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "_look", lambda *_: Judged(False, f"flow.a {state}", actual))
        of: Any = SimpleNamespace(condition=condition, **{"within_ms": None, "hold_ms": None} | step)
        judging.expect(run, of)
    return judgements[0]


@pytest.mark.parametrize(("lag_ms", "met"), [(0, False), (45_000, False), (52_000, None)])
def test_a_leg_that_lapsed_on_a_late_machine_is_nobodys_fault(lag_ms: int, met: bool | None) -> None:
    """Its bound ends with 29 s and its window with 81 s; nothing more can come of it."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.idle("two", 120)
    story._add(Lag(t_ms=30_000, turns_ms=0, starved_ms=lag_ms))
    actual, judged = looked(story.history(), "EXECUTED", "flow.a is BUFFERED", 85, within_ms=10_000)
    assert judged is met
    assert ("past its window; the machine itself was late by up to 52.000 s" in actual) is (met is None)


@pytest.mark.parametrize(("state", "left_s"), [("BUFFERED", 24), ("READY", 26)])
@pytest.mark.parametrize(("lag_ms", "met"), [(0, False), (1_900, False), (2_000, None)])
def test_a_look_that_came_too_late_is_nobodys_fault(state: str, left_s: int, lag_ms: int, met: bool | None) -> None:
    """The leg leaves the state two seconds before the lab looks."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("two", 24, story.tx("two", "relayer", resolve(A.tx_id, "relayer")))
    story.mine("two", 26, story.tx("two", "relayer", execute(A.tx_id, "relayer")))
    story._add(Lag(t_ms=5_000, turns_ms=lag_ms, starved_ms=0))
    assert looked(story.history(), state, "flow.a is elsewhere", left_s + 2)[1] is met


@pytest.mark.parametrize(
    ("state", "tried", "words"),
    [
        ("BUFFERED", None, "; the relayer sent nothing at all on two"),
        (
            "BUFFERED",
            resolve(A.tx_id, "relayer", failed="Dependencies not satisfied"),
            "TransactionFailed (Dependencies not satisfied)",
        ),
        ("READY", None, "; the relayer sent nothing at all on two"),
        (
            "READY",
            execute(A.tx_id, "relayer", revert="Not authorized"),
            "the relayer's last mark_executed for it, at 30",
        ),
        ("EXECUTED", None, ""),
    ],
)
def test_what_the_relayer_did_last_is_told_of_a_leg_that_it_left(state: str, tried: Any, words: str) -> None:
    """The expectation itself says what was left undone."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    if state != "BUFFERED":
        story.mine("two", 24, story.tx("two", "operator", resolve(A.tx_id)))
    if state == "EXECUTED":
        story.mine("two", 28, story.tx("two", "operator", execute(A.tx_id)))
    if tried is not None:
        tx = story.tx("two", "relayer", tried)
        story.submit(30, "two", tx)
        story.mine("two", 32, tx)
    story.mine("two", 60)
    actual, met = looked(story.history(), "EXECUTED", "as it is", 60)
    assert (words in actual, actual == "as it is", met) == (True, not words, False)


@pytest.mark.parametrize(
    ("parent", "words"), [(False, "sent nothing at all on one"), (True, "sent nothing at all on two")]
)
def test_of_a_child_whose_parent_was_left_the_parents_chain_is_told(parent: bool, words: str) -> None:
    """What the leg waits for in vain is what was left undone."""
    first, second = leg("flow.a", "one", 20, id=7), leg("flow.b", "two", 20, id=8, after="flow.a")
    story = Story(first, second)
    story.mine("one", 10, story.tx("one", "operator", buffer(first)))
    story.mine("two", 10, story.tx("two", "operator", buffer(second)))
    if parent:
        story.mine("one", 24, story.tx("one", "operator", resolve(first.tx_id)))
    story.mine("two", 60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(__name__ + ".A", second)
        assert looked(story.history(), "EXECUTED", "as it is", 60) == (f"as it is; the relayer {words}", False)
