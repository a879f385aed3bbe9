"""Arrivals of every shape: how many are due, and when each one is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.traffic.schedule import Schedule, Segment, constant, ramp, spike, steps


def test_a_constant_rate_spaces_arrivals_evenly() -> None:
    """100 a second for 2 s: 200 arrivals, 10 ms apart, the first at once."""
    schedule = Schedule(constant(100, 2))
    assert schedule.arrivals == 200
    assert [schedule.time_of(k) for k in (0, 1, 199)] == pytest.approx([0, 0.01, 1.99])
    assert (schedule.due(-0.1), schedule.due(0), schedule.due(0.0051), schedule.due(0.01)) == (0, 1, 1, 2)
    assert schedule.due(99) == 200


def test_a_ramp_has_the_area_under_it() -> None:
    """From 0 to 100 in 10 s: 500 arrivals, a quarter of them in the first half, then the plateau."""
    schedule = Schedule(ramp(0.0001, 100, 10, hold_s=2))
    assert schedule.arrivals == 700
    assert schedule.due(5) == pytest.approx(126, abs=1)
    assert schedule.rate(5) == pytest.approx(50, abs=0.01)
    assert schedule.rate(11) == 100
    assert schedule.rate(12.5) == 0


def test_steps_and_spike_are_piecewise_constant() -> None:
    """Three plateaus; a burst in the middle that is three times the base."""
    assert Schedule(steps(10, 10, 3, 5)).arrivals == 5 * (10 + 20 + 30)
    burst = Schedule(spike(10, 30, 20, 4))
    assert burst.arrivals == 16 * 10 + 4 * 30
    assert (burst.rate(7), burst.rate(9), burst.rate(13)) == (10, 30, 10)
    assert burst.peak_tps == 30


SEGMENTS = st.lists(
    st.builds(Segment, st.floats(0.5, 20), st.floats(0, 500), st.floats(0, 500)), min_size=1, max_size=5
).filter(lambda segments: sum(s.arrivals for s in segments) >= 2)


def test_schedules_side_by_side_are_spread() -> None:
    """A moment in which the machine is late concerns one of them; each has as many arrivals, as far apart."""
    schedules = [Schedule(constant(20, 10)).part(1 / 20, number, 20) for number in range(20)]
    assert [schedule.time_of(3) for schedule in schedules] == pytest.approx([3 + number / 20 for number in range(20)])
    assert {schedule.arrivals for schedule in schedules} == {10}
    assert [schedule.due(0.26) for schedule in schedules] == [1] * 6 + [0] * 14
    assert [schedule.due(10) for schedule in schedules] == [10] * 20


@given(SEGMENTS, st.sampled_from((0.0, 0.25, 0.95)), st.data())
def test_due_and_time_of_agree(segments: list[Segment], phase: float, data: st.DataObject) -> None:
    """An arrival is due at its own moment and not before it; moments never go back."""
    schedule = Schedule(segments, phase)
    k = data.draw(st.integers(0, schedule.arrivals - 1))
    moment = schedule.time_of(k)
    assert 0 <= moment <= schedule.seconds + 1e-9
    assert schedule.due(moment + 1e-4) >= k + 1
    if moment > 1e-3 and schedule.rate(moment - 1e-3) > 1:
        assert schedule.due(moment - 1e-2) <= k + 1
    if k:
        assert schedule.time_of(k - 1) <= moment + 1e-9


@given(SEGMENTS, st.integers(1, 7))
def test_workers_share_every_arrival_once(segments: list[Segment], workers: int) -> None:
    """Every `workers`-th arrival each: together they have all, and none twice."""
    arrivals = Schedule(segments).arrivals
    shares = [set(range(rank, arrivals, workers)) for rank in range(workers)]
    assert sum(len(share) for share in shares) == len(set().union(*shares)) == arrivals


@pytest.mark.parametrize(
    ("segments", "told"),
    [
        ([], "at least one segment"),
        ([Segment(0, 1, 1)], "duration above 0"),
        ([Segment(1, -1, 1)], "rates of 0 or more"),
        ([Segment(1, float("inf"), 1)], "rates of 0 or more"),
        ([Segment(10, 0, 0)], "at least one arrival"),
    ],
)
def test_what_is_no_schedule_is_refused(segments: list[Segment], told: str) -> None:
    """Said with what came."""
    with pytest.raises(ValueError, match=told):
        Schedule(segments)


@pytest.mark.parametrize("phase", [-0.1, 1.0, float("nan")])
def test_a_phase_is_less_than_a_whole(phase: float) -> None:
    """One arrival more, or less, would be another schedule."""
    with pytest.raises(ValueError, match="phase from 0 up to 1"):
        Schedule(constant(1, 2), phase)


def test_a_share_has_the_same_shape() -> None:
    """A quarter of the rate at every moment."""
    schedule = Schedule(ramp(100, 300, 10)).part(0.25, 0, 1)
    assert schedule.arrivals == 500
    assert schedule.rate(5) == pytest.approx(50)
