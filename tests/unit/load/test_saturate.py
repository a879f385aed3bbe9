"""The search for the highest rate, on systems that are a formula."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.load.analyse.flows import FlowFifth
from lab.load.analyse.judge import judge
from lab.load.profile.profile import load_profile
from lab.load.saturate import (
    CLOSE_ENOUGH,
    LATE,
    Saturation,
    StepOutcome,
    at_rate,
    first_rate,
    judge_step,
    search,
    summary_lines,
)

from .test_judge import facts


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


@pytest.mark.parametrize(
    ("latencies_ms", "drift_ms", "expected"),
    [
        ([4_000.0], 4_000.0, "none reached"),
        ([40_000.0], 4_000.0, LATE),
        ([40_000.0], 12_000.0, "relayer"),
        ([4_000.0], 12_000.0, "relayer"),
    ],
)
def test_a_step_of_flows_that_did_not_hold_names_what_waits(
    latencies_ms: list[float], drift_ms: float, expected: str
) -> None:
    """Every transaction of the generator's was mined in time."""
    fifths = [FlowFifth(flows=100, open=0, latency_p50_ms=ms) for ms in (4_000.0, drift_ms)]
    flows = {"flows": True, "cross_chain_ms": latencies_ms * 100, "flow_drift": tuple(fifths), "flow_slack_ms": 2_000.0}
    totals = SimpleNamespace(succeeded=100, tps=100.0, low_tps=100.0, high_tps=100.0)
    result: Any = SimpleNamespace(judged=judge(facts(**flows)), problems=(), totals=totals, flows=None)
    step = judge_step(100, result, Path("folder"))
    assert step.bottleneck == expected
    assert bool(step.why) == (expected != "none reached")
