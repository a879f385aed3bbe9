"""Whole numbers as a distribution, in the shape that metrics.json uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from lab.model.statistics.percentile import percentile

PERCENTILES = (50, 90, 95, 99)


class Extremes(TypedDict):
    """Of at least one value; the mean to one decimal."""

    count: int
    min: int
    mean: float
    max: int


def extremes(values: Sequence[int]) -> Extremes:
    """Raises ValueError for no values."""
    return Extremes(count=len(values), min=min(values), mean=round(sum(values) / len(values), 1), max=max(values))


def distribution(values: Sequence[int]) -> dict[str, int | float]:
    """The extremes, and percentiles as `p50`; only the count where there are no values."""
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    percentiles = {f"p{percent}": percentile(ordered, percent) for percent in PERCENTILES}
    return {**extremes(values), **percentiles}  # type: ignore[dict-item]  # a TypedDict unpacks to objects
