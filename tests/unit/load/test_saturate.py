"""The search for the highest rate, on systems that are a formula."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.load.profile.profile import load_profile
from lab.load.saturate import CLOSE_ENOUGH, Saturation, StepOutcome, at_rate, first_rate, search, summary_lines


def system(capacity: float, asked: list[float]) -> Callable[[float], StepOutcome]:
    def step(tps: float) -> StepOutcome:
        asked.append(tps)
        held = tps <= capacity
        return StepOutcome(tps, min(tps, capacity), "none reached" if held else "node", "" if held else "behind", "f")

    return step


@pytest.mark.parametrize("capacity", [120.0, 500.0, 1700.0, 5200.0])
def test_it_ends_close_below_the_capacity(capacity: float) -> None:
    """From either side, in few steps, with what bound named."""
    asked: list[float] = []
    good, bad = search(500, system(capacity, asked))
    assert good is not None
    assert bad is not None
    assert good <= capacity < bad.offered_tps
    assert bad.offered_tps - good <= CLOSE_ENOUGH * bad.offered_tps
    assert bad.bottleneck == "node"
    assert len(asked) <= 10


def test_a_system_without_end_and_one_without_beginning() -> None:
    """The search stops at a rate that no generator reaches, and at one that is none."""
    good, bad = search(500, system(10**9, []))
    assert (good, bad) == (64_000, None)
    good, bad = search(500, system(0.0, []))
    assert good is None
    assert bad is not None


def test_steps_leave_out_what_a_step_cannot_show() -> None:
    """No rate and no length are asked of a step of ten seconds; operators follow the rate."""
    profile = load_profile("buffer")
    assert first_rate(profile) == 500
    stepped = at_rate(profile, 3000)
    assert stepped.criteria.throughput_tps_min is None
    assert stepped.criteria.failure_share_max == profile.criteria.failure_share_max
    assert (stepped.operators, [s.from_tps for s in stepped.shape.segments()]) == ("auto", [3000])


def test_the_end_is_told() -> None:
    """In the order of the rates, with the bottleneck."""
    steps = StepOutcome(900, 700, "node", "behind", "b"), StepOutcome(500, 500, "none reached", "", "a")
    lines = summary_lines(Saturation("buffer", 500.0, 500.0, "node", steps))
    assert "500/s offered" in lines[0]
    assert "held" in lines[0]
    assert lines[-1] == "highest rate that held: 500 a second; bottleneck: node"
