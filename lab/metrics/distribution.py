"""Whole numbers as a distribution, in the shape that metrics.json uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.model.statistics.percentile import percentile

PERCENTILES = (50, 90, 95, 99)


def extremes(values: Sequence[int]) -> dict[str, Any]:
    """Count, least, mean (to one decimal) and most; at least one value is needed."""
    return {
        "count": len(values),
        "min": min(values),
        "mean": round(sum(values) / len(values), 1),
        "max": max(values),
    }


def distribution(values: Sequence[int]) -> dict[str, Any]:
    """The extremes and percentiles; only the count where there are no values."""
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    return extremes(values) | {f"p{percent}": percentile(ordered, percent) for percent in PERCENTILES}
