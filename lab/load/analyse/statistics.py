"""The few statistics that the figures of a load run need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from lab.load.record.frozen import Sparse
from lab.model.statistics.percentile import percentile


class Summary(Sparse):
    """Count, mean, percentiles, extremes; only the count where there is nothing."""

    n: int = 0
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    min: float | None = None
    max: float | None = None

    @classmethod
    def of(cls, values: Sequence[float], digits: int = 2, **more: Any) -> Self:
        """Of values in any order."""
        if not values:
            return cls(**more)
        ordered = sorted(values)
        ranks = {f"p{percent}": round(percentile(ordered, percent), digits) for percent in (50, 90, 95, 99)}
        ends = {"min": round(ordered[0], digits), "max": round(ordered[-1], digits)}
        return cls(n=len(ordered), mean=round(sum(ordered) / len(ordered), digits), **ranks, **ends, **more)


def percentile_interval(ordered: Sequence[float], percent: float) -> tuple[float, float]:
    """A distribution-free interval of about 95% for a percentile, by ranks. Raises ValueError for no values."""
    from scipy.stats import binom

    count, share = len(ordered), percent / 100
    percentile(ordered, percent)
    low = max(0, int(binom.ppf(0.025, count, share)) - 1)
    high = min(count - 1, int(binom.ppf(0.975, count, share)))
    return ordered[low], ordered[high]
