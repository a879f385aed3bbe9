"""The few statistics that the figures of a load run need."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

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
    def of(cls, values: npt.ArrayLike, digits: int = 2, **more: Any) -> Self:
        """Of values in any order."""
        ordered = ascending(values)
        if not ordered:
            return cls(**more)
        ranks = {f"p{percent}": round(percentile(ordered, percent), digits) for percent in (50, 90, 95, 99)}
        ends = {"min": round(ordered[0], digits), "max": round(ordered[-1], digits)}
        return cls(n=len(ordered), mean=round(float(np.mean(ordered)), digits), **ranks, **ends, **more)


def ascending(values: npt.ArrayLike) -> Sequence[float]:
    """Values in ascending order, 8 bytes each."""
    return array("d", np.sort(np.asarray(values, float)).tobytes())


def percentile_interval(ordered: Sequence[float], percent: float) -> tuple[float, float]:
    """A distribution-free interval of about 95% for a percentile, by ranks. Raises ValueError for no values."""
    count, share = len(ordered), percent / 100
    percentile(ordered, percent)
    low = max(0, _rank(0.025, count, share) - 1)
    high = min(count - 1, _rank(0.975, count, share))
    return ordered[low], ordered[high]


def _rank(chance: float, count: int, share: float) -> int:
    """The smallest number of `count` draws that this chance does not exceed: `binom.ppf`, without what it imports."""
    from scipy.special import bdtr, bdtrik

    rank: int = math.ceil(bdtrik(chance, count, share))
    return rank - 1 if rank > 0 and bdtr(rank - 1, count, share) >= chance else rank
