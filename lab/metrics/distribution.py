"""Whole numbers as a distribution, in the shape that metrics.json uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

PERCENTILES = (50, 90, 95, 99)


def percentile(values: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile: the smallest value that at least `percent` of the values do not exceed.

    Raises ValueError for no values, or a percent outside 1 to 100.
    """
    if not values or not 1 <= percent <= 100:
        raise ValueError(f"expected values and a percent from 1 to 100, got {len(values)} values and {percent}")
    return sorted(values)[-(-len(values) * percent // 100) - 1]


def distribution(values: Sequence[int]) -> dict[str, Any]:
    """Count, extremes, mean (to one decimal) and percentiles; only the count where there are no values."""
    if not values:
        return {"count": 0}
    figures: dict[str, Any] = {
        "count": len(values),
        "min": min(values),
        "mean": round(sum(values) / len(values), 1),
        "max": max(values),
    }
    return {**figures, **{f"p{percent}": percentile(values, percent) for percent in PERCENTILES}}
