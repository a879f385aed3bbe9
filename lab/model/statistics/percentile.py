"""The one percentile of the lab: nearest rank, so that every figure is a value that was observed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Number = TypeVar("Number", int, float)


def percentile(ordered: Sequence[Number], percent: float) -> Number:
    """The smallest value that at least `percent` of the values do not exceed. `ordered` is in ascending order.

    Raises ValueError for no values, or a percent that is not above 0 and at most 100.
    """
    if not ordered or not 0 < percent <= 100:
        raise ValueError(f"expected values and a percent above 0 up to 100, got {len(ordered)} values and {percent}")
    return ordered[int(-(-len(ordered) * percent // 100)) - 1]
