"""The few statistics that the figures of a load run need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

PERCENTS = (50.0, 90.0, 95.0, 99.0)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest rank, of values in ascending order. Raises ValueError for none."""
    if not ordered or not 0 < percent <= 100:
        raise ValueError(f"expected values and a percent above 0 up to 100, got {len(ordered)} values and {percent}")
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def summary(values: Sequence[float], digits: int = 2) -> dict[str, Any]:
    """Count, mean, percentiles, extremes; only the count where there is nothing."""
    if not values:
        return {"n": 0}
    ordered = sorted(values)
    found: dict[str, Any] = {"n": len(ordered), "mean": round(sum(ordered) / len(ordered), digits)}
    for percent in PERCENTS:
        found[f"p{percent:g}"] = round(percentile(ordered, percent), digits)
    return found | {"min": round(ordered[0], digits), "max": round(ordered[-1], digits)}


def percentile_interval(ordered: Sequence[float], percent: float) -> tuple[float, float]:
    """A distribution-free interval of about 95% for a percentile, by ranks. Raises ValueError for no values."""
    from scipy.stats import binom

    count, share = len(ordered), percent / 100
    percentile(ordered, percent)
    low = max(0, int(binom.ppf(0.025, count, share)) - 1)
    high = min(count - 1, int(binom.ppf(0.975, count, share)))
    return ordered[low], ordered[high]
