"""How fast flows end once the system is full."""

from __future__ import annotations

import pytest

from lab.load.analyse.flows import executed_a_second, steady_rate


def test_neither_the_beginning_nor_the_tail_counts() -> None:
    """50 a second for a minute, after which the last few take ten times as long."""
    steady = [100 + n / 50 for n in range(3_000)]
    assert steady_rate(steady) == pytest.approx(50)
    assert steady_rate([*steady, *(160 + n / 5 for n in range(100))]) == pytest.approx(50, rel=0.01)


@pytest.mark.parametrize("ends", [[], [1.0], [1.0, 1.0, 1.0], [2.0, 1.0]])
def test_too_few_have_no_rate(ends: list[float]) -> None:
    """Nothing is made up."""
    assert steady_rate(ends) in (0.0, 1.0)
    assert steady_rate([1.0] * 50) == 0.0


def test_a_system_that_keeps_up_executes_at_the_rate_of_its_arrivals() -> None:
    """Flows that all take as long: from the first end to the last it is the schedule, whatever the latency."""
    figures = executed_a_second([130 + n / 50 for n in range(3_000)], 60.0, 2.0)
    assert figures.tps == pytest.approx(50, rel=0.01)
    assert figures.behind_s == 0.0


def test_a_queue_that_grows_is_counted_to_its_end() -> None:
    """50 a second arrive and 40 a second end: the rate is 40, though each flow ended in the end."""
    figures = executed_a_second([130 + n / 40 for n in range(3_000)], 60.0, 2.0)
    assert figures.tps == pytest.approx(40, rel=0.01)
    assert figures.low_tps <= figures.tps <= figures.high_tps


def test_no_end_is_no_rate() -> None:
    assert executed_a_second([], 60.0, 2.0).tps == 0.0
