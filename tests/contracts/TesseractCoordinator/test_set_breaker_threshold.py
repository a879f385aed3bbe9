"""set_breaker_threshold: owner only; 0 switches the automatic stop off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def fail(coordinator: Coordinator, number: int) -> None:
    """Fail the execution of one transaction."""
    coordinator.ready(number)
    coordinator.send("operator", "mark_failed", coordinator.id(number))


@pytest.mark.parametrize("threshold", [0, 1, 25, 2**32 - 1])
def test_it_is_set_and_announced(coordinator: Coordinator, threshold: int) -> None:
    """From off to the largest that fits."""
    receipt = coordinator.send("owner", "set_breaker_threshold", threshold)
    assert receipt.events == [("BreakerThresholdSet", {"threshold": threshold})]
    assert coordinator.call("breaker_threshold") == threshold


@pytest.mark.parametrize("threshold", [2**32, 2**256 - 1])
def test_it_refuses_what_does_not_fit(coordinator: Coordinator, threshold: int) -> None:
    """Refused, not cut."""
    assert coordinator.reverts("owner", "set_breaker_threshold", threshold) == "Breaker threshold too large"
    assert coordinator.call("breaker_threshold") == 25


@pytest.mark.parametrize("role", ["operator", "attacker"])
def test_only_the_owner_sets_it(coordinator: Coordinator, role: str) -> None:
    """An operator cannot switch the breaker off."""
    assert coordinator.reverts(role, "set_breaker_threshold", 0) == "Only owner can set threshold"


def test_zero_counts_without_stopping(coordinator: Coordinator) -> None:
    """Off is off, and what happened meanwhile is known when it is switched on again."""
    coordinator.send("owner", "set_breaker_threshold", 0)
    for number in range(1, 31):
        fail(coordinator, number)
    assert (coordinator.call("failure_count"), coordinator.call("paused")) == (30, False)


def test_lowering_it_below_the_count_stops_at_the_next_failure(coordinator: Coordinator) -> None:
    """The setting itself does not stop anything."""
    for number in (1, 2, 3):
        fail(coordinator, number)
    coordinator.send("owner", "set_breaker_threshold", 2)
    assert coordinator.call("paused") is False
    fail(coordinator, 4)
    assert coordinator.call("paused") is True
