"""Exact binomial bounds (Clopper and Pearson), and how many more trials it would take to be sure."""

from __future__ import annotations

import math

from lab.model.outcome import Outcome

CONFIDENCE = 0.95
MANY = 10_000_000


def upper_bound(failures: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The share of failures that is not exceeded, with one-sided confidence; 1 where nothing was tried."""
    if trials <= 0 or failures >= trials:
        return 1.0
    if failures == 0:
        return -math.expm1(math.log1p(-confidence) / trials)
    return _beta_quantile(failures + 1, trials - failures, confidence)


def lower_bound(failures: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The share of failures that there is at least, with one-sided confidence; 0 where nothing was tried."""
    if trials <= 0 or failures <= 0:
        return 0.0
    if failures == trials:
        return math.pow(_rest(confidence), 1 / trials)
    return _beta_quantile(failures, trials - failures + 1, _rest(confidence))


def decide(failures: int, trials: int, allowed: float) -> Outcome:
    """Whether the true share of failures is at most `allowed`, above it, or unknown, as it always is without trials."""
    if trials > 0 and upper_bound(failures, trials) <= allowed:
        return Outcome.MET
    return Outcome.NOT_MET if lower_bound(failures, trials) > allowed else Outcome.UNKNOWN


def trials_needed(failures: int, allowed: float) -> int:
    """The least number of trials that, with these failures and no more, would show the share to be allowed."""
    if failures == 0:
        return math.ceil(math.log(_rest(CONFIDENCE)) / math.log(1 - allowed))
    low, high = failures, MANY
    if upper_bound(failures, high) > allowed:
        return MANY
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if upper_bound(failures, middle) <= allowed else (middle, high)
    return high


def _rest(confidence: float) -> float:
    """What is left of certainty: 0.05, where 1 - 0.95 is a little more, so that one trial of one would decide."""
    return round(1 - confidence, 12)


def _beta_quantile(a: float, b: float, share: float) -> float:
    """Imported where it is asked for: SciPy takes half a second, and most sessions saw nothing fail."""
    from scipy.special import betaincinv

    return float(betaincinv(a, b, share))
