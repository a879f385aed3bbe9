"""What a script expects on a machine that is late itself: not met is unknown where the machine may be to blame."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.model.history import History
from lab.model.record_parts.about import About
from lab.model.records import Expectation, Lag
from lab.runner.script import Script

from ..checks.calls import buffer, resolve
from ..checks.histories import Story, leg

A = leg("flow.a", "two", 20, id=7)
# More than any lateness here: what is looked at is what was missed by it.
MUCH_MS = 100_000


def told(history: Any, now_ms: int = 90_000) -> tuple[Script, list[Expectation]]:
    """A script of a run with this history, and what it records."""
    recorded: list[Expectation] = []
    scheduler = SimpleNamespace(advance_to=lambda ms: setattr(run, "now_ms", ms))
    run: Any = SimpleNamespace(
        now_ms=now_ms,
        usual_lateness_ms=MUCH_MS,
        history=lambda: history,
        item=SimpleNamespace(file="drill.py", clock="real"),
        recorder=SimpleNamespace(add=recorded.append),
        lab=SimpleNamespace(scheduler=scheduler),
    )
    return Script(run), recorded


def late(turns_ms: int = 0, starved_ms: int = 0, *, t_ms: int = 30_000, ended_s: int = 85) -> History:
    """A, whose window ends with 81 s, is expired at `ended_s`; the machine was late by so much, as seen at `t_ms`."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("two", ended_s, story.tx("two", "operator", resolve(A.tx_id, failed="Transaction expired")))
    story._add(Lag(t_ms=t_ms, turns_ms=turns_ms, starved_ms=starved_ms))
    return story.history()


@pytest.mark.parametrize(
    ("history", "met"),
    [
        (late(), False),
        (late(turns_ms=3_900), False),
        (late(turns_ms=4_000), None),
        (late(starved_ms=4_000), None),
        (late(turns_ms=2_000, starved_ms=2_000), None),
        # Late before the transaction was due, and late after all was over.
        (late(turns_ms=60_000, t_ms=15_000), False),
        (late(turns_ms=60_000, t_ms=150_000), False),
        # Long past its window: nobody was that late.
        (late(turns_ms=4_000, ended_s=120), False),
    ],
)
def test_a_window_that_the_machine_missed(history: History, met: bool | None) -> None:
    """What a procedure brings about then is unknown; what is met stays met."""
    script, recorded = told(history)
    script.expect("all fields to be as saved", "EXECUTED became EXPIRED", met=False)
    script.expect("something else", "it", met=True)
    assert [one.met for one in recorded] == [met, True]
    words = "the window of flow.a on two was missed by 4.000 s; the machine itself was late by up to"
    assert (words in recorded[0].actual) is (met is None)


@pytest.mark.parametrize(
    ("at_s", "lag_ms", "met"), [(60, 0, True), (61, 0, False), (61, 900, False), (61, 1_000, None), (90, 1_000, False)]
)
def test_a_limit_in_seconds(at_s: float, lag_ms: int, met: bool | None) -> None:
    """30 s from second 30 on; missed by less than the machine was late is nobody's fault."""
    story = Story(A)
    story._add(Lag(t_ms=45_000, turns_ms=lag_ms, starved_ms=0))
    script, recorded = told(story.history())
    script.expect_within("recovery", 30, since_s=30, at_s=at_s)
    (one,) = recorded
    assert (one.expected, one.met) == ("recovery within 30 s", met)
    assert one.actual.startswith(f"{at_s - 30:.0f} s")


@pytest.mark.parametrize(
    ("executed_s", "lag_ms", "met"),
    [(39, 0, True), (45, 0, False), (45, 4_000, False), (45, 5_000, None), (70, 60_000, False)],
)
def test_flows_that_are_waited_for(
    monkeypatch: pytest.MonkeyPatch, executed_s: int, lag_ms: int, met: bool | None
) -> None:
    """Within 10 s from second 30 on: as much longer as the machine was late, and at most once again as long."""
    story = Story(A)
    story._add(Lag(t_ms=35_000, turns_ms=lag_ms, starved_ms=0))
    script, recorded = told(story.history(), now_ms=30_000)
    monkeypatch.setattr(
        script, "states", lambda legs: dict.fromkeys(legs, "EXECUTED" if script.now_s >= executed_s else "READY")
    )
    script.until_executed(["flow.a"], 10)
    (one,) = recorded
    assert one.met is met
    assert script.now_s <= 50


ABOUT = About(field="authorized_operators")


@pytest.mark.parametrize(("held_up_ms", "met"), [(0, False), (500, False), (501, None)])
def test_a_script_that_was_held_up(held_up_ms: int, met: bool | None) -> None:
    """As a step that comes late: what it finds is nobody's fault from then on, whatever it is."""
    story = Story(A)
    story._add(Lag(t_ms=20_000, turns_ms=held_up_ms, starved_ms=400))
    script, recorded = told(story.history())
    script.run.usual_lateness_ms = 500  # type: ignore[misc]  # a namespace
    script.expect_equal("operators", ["a"], ["b"], about=ABOUT)
    assert recorded[0].met is met
    assert recorded[0].about == (None if met is None else ABOUT)
    assert (f"the machine itself was late by up to {held_up_ms / 1000:.3f} s" in recorded[0].actual) is (met is None)
