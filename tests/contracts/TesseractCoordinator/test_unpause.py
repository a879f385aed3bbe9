"""unpause: by the owner, whoever or whatever stopped the coordinator; the failure count starts again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_it_lifts_the_stop(coordinator: Coordinator) -> None:
    """Operators work again at once."""
    coordinator.send("owner", "pause")
    receipt = coordinator.send("owner", "unpause")
    assert receipt.events == [("EmergencyStopLifted", {"caller": coordinator.accounts["owner"].lower()})]
    assert coordinator.call("paused") is False
    coordinator.buffer(1)


@pytest.mark.parametrize("role", ["operator", "attacker"])
def test_nobody_else_lifts_it(coordinator: Coordinator, role: str) -> None:
    """Not even an operator."""
    coordinator.send("owner", "pause")
    assert coordinator.reverts(role, "unpause") == "Only owner can unpause"
    assert coordinator.call("paused") is True


def test_without_a_stop_there_is_nothing_to_lift(coordinator: Coordinator) -> None:
    """It would reset the count behind the back of whoever watches the events."""
    assert coordinator.reverts("owner", "unpause") == "Coordinator is not paused"


def test_it_resets_the_failure_count(coordinator: Coordinator) -> None:
    """After a trip the full threshold is available again, in the same period."""
    coordinator.send("owner", "set_breaker_threshold", 2)
    for number in (1, 2, 3, 4):
        coordinator.ready(number)
    for number in (1, 2):
        coordinator.send("operator", "mark_failed", coordinator.id(number))
    assert coordinator.call("paused") is True
    coordinator.send("owner", "unpause")
    assert coordinator.call("failure_count") == 0
    coordinator.send("operator", "mark_failed", coordinator.id(3))
    assert (coordinator.call("failure_count"), coordinator.call("paused")) == (1, False)
    coordinator.send("operator", "mark_failed", coordinator.id(4))
    assert coordinator.call("paused") is True


def test_it_ends_the_running_period(coordinator: Coordinator) -> None:
    """The next failure starts an hour of its own, also within the hour of the failures before the stop."""
    for number in (1, 2):
        coordinator.ready(number)
    start = coordinator.now
    coordinator.send("operator", "mark_failed", coordinator.id(1))
    coordinator.send("owner", "pause")
    coordinator.send("owner", "unpause")
    coordinator.now = start + 200
    coordinator.send("operator", "mark_failed", coordinator.id(2))
    coordinator.now = start + 200 + 3599
    assert coordinator.call("failure_count") == 1
    coordinator.now += 1
    assert coordinator.call("failure_count") == 0
