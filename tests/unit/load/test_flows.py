"""How fast flows end once the system is full."""

from __future__ import annotations

import pytest

from lab.load.analyse.flows import steady_rate


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
