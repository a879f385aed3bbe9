"""Every bound in seconds, missed by less than the machine itself was late: UNKNOWN with the figure, never FAIL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.checks import CHECKS
from lab.model.records import Lag
from lab.model.verdict import Verdict

from .calls import buffer, execute, resolve
from .histories import Story, believed, leg

A = leg("flow.a", "two", 20, id=7)
B = leg("flow.b", "two", 20, id=8)


def played(steps: dict[int, tuple[Any, ...]], *, end: int = 120) -> Story:
    """A and B, due at 20 s with windows up to 80 s, and what the relayer did at which second."""
    story = Story(A, B)
    story.mine("two", 10, story.tx("two", "operator", buffer(A), buffer(B)))
    for second in range(12, end + 1, 2):
        story.mine("two", second, *([story.tx("two", "relayer", *steps[second])] if second in steps else []))
    return story


def ready_late() -> Story:
    """READY at 32 s, where the bound ends with 29 s."""
    return played({28: (resolve(B.tx_id, "relayer"),), 32: (resolve(A.tx_id, "relayer"),)})


def never_ready() -> Story:
    """Never READY: from 80 s on nobody could any more, 51 s after the bound."""
    return played({28: (resolve(B.tx_id, "relayer"),)})


def not_mined() -> Story:
    """Submitted at 40 s, and not mined by 52 s; the bound ends with 49 s."""
    story = played({}, end=52)
    story.submit(40, "two", story.tx("two", "relayer", resolve(A.tx_id, "relayer")))
    return story


def crashed_ready() -> Story:
    """Killed at 22 s, back at 30 s, READY at 34 s, not executed by 46 s, where 43 s was the time."""
    story = played({26: (resolve(B.tx_id), execute(B.tx_id)), 34: (resolve(A.tx_id, "relayer"),)}, end=46)
    return restarted(story)


def crashed_buffered() -> Story:
    """Back at 30 s, and never READY: the window closes 41 s after the bound of 39 s."""
    return restarted(played({26: (resolve(B.tx_id), execute(B.tx_id))}))


def restarted(story: Story) -> Story:
    story.relayer(0, "start")
    story.relayer(22, "kill")
    story.relayer(30, "start")
    return story


def half_done() -> Story:
    """B is executed, A expires at 81 s; the bound would have let it be READY by 29 s."""
    return played({24: (resolve(B.tx_id, "relayer"),), 26: (execute(B.tx_id, "relayer"),)})


def sent_too_often() -> Story:
    """One attempt too many for a call, which lateness of one request's budget, 1 s, explains."""
    story = played({}, end=40)
    tx = story.tx("two", "relayer", resolve(A.tx_id, "relayer"))
    for index in range(4):
        copy = {"hash": f"0x{index:064x}", "nonce": index}
        story.submit(22 + 4 * index, "two", tx.model_copy(update=copy))
    return story


def repeated() -> Story:
    """READY at 24 s, and resolved again at 36 s to no effect: the time to see it ends with 33 s."""
    story = played({24: (resolve(A.tx_id, "relayer"),)}, end=34)
    again = story.tx("two", "relayer", resolve(A.tx_id, "relayer"), status=0)
    story.submit(36, "two", again)
    story.mine("two", 38, again)
    return story


def not_scanned() -> Story:
    """READY at 24 s; the store, read at 66 s, ends with the block before. The slowest chain's bound is 39 s."""
    story = Story(A)
    buffered = story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("two", 24, story.tx("two", "relayer", resolve(A.tx_id, "relayer")))
    position = (buffered.number, buffered.hash)
    story.store("two", 66, believed(A, "BUFFERED", buffered), position=position, checkpoint=position)
    return story


# The check, the run, by how much the bound is missed, and a moment within it.
CASES: dict[str, tuple[str, Callable[[], Story], int, int]] = {
    "ready late": ("L1", ready_late, 3_000, 30_000),
    "never ready": ("L1", never_ready, 51_000, 30_000),
    "not mined": ("L3", not_mined, 3_000, 45_000),
    "not executed after a crash": ("L4", crashed_ready, 3_000, 40_000),
    "not ready after a crash": ("L4", crashed_buffered, 41_000, 40_000),
    "half a flow": ("S9", half_done, 52_000, 30_000),
    "sent too often": ("L6", sent_too_often, 1_000, 30_000),
    "repeated": ("L6", repeated, 3_000, 30_000),
    "not scanned": ("S12", not_scanned, 3_000, 30_000),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bound_missed_by_less_than_the_machine_was_late_is_unknown(case: str) -> None:
    """By more it is a FAIL, and without any lateness."""
    check, story, missed_ms, t_ms = CASES[case]
    for lag_ms in (0, missed_ms - 100, missed_ms):
        judged = story()
        judged._add(Lag(t_ms=t_ms, turns_ms=lag_ms, starved_ms=0))
        result = CHECKS[check].judge(judged.history())
        assert result.verdict is (Verdict.UNKNOWN if lag_ms == missed_ms else Verdict.FAIL), (lag_ms, result.reason)
    assert f"late by up to {missed_ms / 1000:.3f} s" in result.reason


@pytest.mark.parametrize(
    ("t_ms", "turns_ms", "starved_ms", "verdict"),
    [
        (40_000, 7_000, 0, Verdict.UNKNOWN),
        (40_000, 0, 7_000, Verdict.UNKNOWN),
        (40_000, 6_000, 0, Verdict.FAIL),
        (32_500, 3_000, 0, Verdict.UNKNOWN),
        (33_000, 2_000, 2_000, Verdict.UNKNOWN),
    ],
)
def test_a_look_that_was_late_itself_counts(t_ms: int, turns_ms: int, starved_ms: int, verdict: Verdict) -> None:
    """It came long after the moment that is judged, 32 s, and saw it only if it was due by then."""
    story = ready_late()
    story._add(Lag(t_ms=t_ms, turns_ms=turns_ms, starved_ms=starved_ms))
    assert CHECKS["L1"].judge(story.history()).verdict is verdict
