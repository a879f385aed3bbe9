"""Exact bounds, and the sample sizes that follow from them."""

from __future__ import annotations

import pytest

from lab.model.outcome import Outcome
from lab.model.statistics.binomial import decide, lower_bound, trials_needed, upper_bound


def tail(successes_at_most: int, trials: int, share: float) -> float:
    """The probability of so few failures, summed up term by term."""
    total, term = 0.0, (1 - share) ** trials
    for failures in range(successes_at_most + 1):
        total += term
        term *= (trials - failures) / (failures + 1) * share / (1 - share)
    return total


@pytest.mark.parametrize(("failures", "trials"), [(0, 10), (1, 50), (7, 300)])
def test_the_upper_bound_is_where_so_few_failures_become_unlikely(failures: int, trials: int) -> None:
    """By definition, 5%."""
    assert tail(failures, trials, upper_bound(failures, trials)) == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize(("failures", "trials"), [(1, 10), (3, 50)])
def test_the_lower_bound_is_where_so_many_become_unlikely(failures: int, trials: int) -> None:
    """Likewise."""
    assert 1 - tail(failures - 1, trials, lower_bound(failures, trials)) == pytest.approx(0.05, abs=1e-9)


def test_nothing_tried_says_nothing() -> None:
    """From 0 to 1."""
    assert (lower_bound(0, 0), upper_bound(0, 0)) == (0.0, 1.0)


@pytest.mark.parametrize(("failures", "allowed", "needed"), [(0, 0.001, 2_995), (0, 0.01, 299), (0, 0.05, 59)])
def test_known_sample_sizes(failures: int, allowed: float, needed: int) -> None:
    """2,995 failure-free probes are the least that show 99.9%."""
    assert trials_needed(failures, allowed) == needed
    assert decide(failures, needed, allowed) == "MET"
    assert decide(failures, needed - 1, allowed) == "UNKNOWN"


def test_needed_after_failures_is_the_least() -> None:
    """One fewer is not enough."""
    needed = trials_needed(3, 0.01)
    assert decide(3, needed, 0.01) == "MET"
    assert decide(3, needed - 1, 0.01) == "UNKNOWN"


def test_too_many_failures_are_certain() -> None:
    """Ten of a hundred are more than one percent."""
    assert decide(10, 100, 0.01) == "NOT MET"


def test_no_trials_decide_nothing() -> None:
    """Whatever is allowed."""
    assert [decide(0, 0, allowed) for allowed in (0.01, 1.0)] == ["UNKNOWN", "UNKNOWN"]


def test_one_failure_of_one_is_no_proof_of_more_than_a_twentieth() -> None:
    """Its bound is 5 % and no more, however floating point writes that; two of two are proof."""
    assert lower_bound(1, 1) == 0.05
    assert (decide(1, 1, 0.05), decide(2, 2, 0.05)) == (Outcome.UNKNOWN, Outcome.NOT_MET)
