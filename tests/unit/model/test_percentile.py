"""Nearest rank: a percentile is a value that was observed."""

from __future__ import annotations

import pytest

from lab.model.statistics.percentile import percentile


@pytest.mark.parametrize(("percent", "value"), [(0.1, 10), (1, 10), (50, 20), (75, 30), (76, 40), (99, 40), (100, 40)])
def test_percentiles_are_nearest_rank(percent: float, value: int) -> None:
    """Of four values the half is the second."""
    assert percentile([10, 20, 30, 40], percent) == value


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1], 0), ([1], 101)])
def test_a_percentile_of_nothing_is_an_error(values: list[int], percent: int) -> None:
    """The error says what was expected."""
    with pytest.raises(ValueError, match="expected values and a percent"):
        percentile(values, percent)
