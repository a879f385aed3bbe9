"""failure_count and the breaker's period: what is counted, for how long, and when it trips."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def fail(coordinator: Coordinator, number: int) -> list[str]:
    """Let one transaction expire; returns the names of the events. Time moves on by 31 s."""
    coordinator.buffer(number)
    coordinator.now += 31
    receipt = coordinator.send("operator", "resolve_dependency", coordinator.id(number))
    return [name for name, _ in receipt.events]


def test_it_trips_exactly_at_the_default_threshold(coordinator: Coordinator) -> None:
    """24 failures do not stop it, the 25th does, in the same transaction."""
    for number in range(1, 25):
        assert fail(coordinator, number) == ["TransactionFailed"]
    assert (coordinator.call("failure_count"), coordinator.call("paused")) == (24, False)
    assert fail(coordinator, 25) == ["TransactionFailed", "EmergencyStop"]
    assert (coordinator.call("failure_count"), coordinator.call("paused")) == (25, True)
    assert coordinator.reverts("operator", "buffer_transaction", *coordinator.request(26)) == "Coordinator is paused"


def test_the_three_kinds_of_failure_count_alike(coordinator: Coordinator) -> None:
    """Expiry by resolve, expiry by expire_transaction, failed execution."""
    coordinator.send("owner", "set_breaker_threshold", 3)
    coordinator.ready(2)
    assert fail(coordinator, 1) == ["TransactionFailed"]
    coordinator.send("operator", "mark_failed", coordinator.id(2))
    coordinator.buffer(3)
    coordinator.now += 31
    receipt = coordinator.send("operator", "expire_transaction", coordinator.id(3))
    assert [name for name, _ in receipt.events] == ["TransactionFailed", "EmergencyStop"]


def test_a_period_ends_an_hour_after_its_first_failure(coordinator: Coordinator) -> None:
    """A failure in its last second still counts into it; one second later a new period begins."""
    coordinator.send("owner", "set_breaker_threshold", 3)
    fail(coordinator, 1)
    start = coordinator.now
    for number in (2, 3, 4, 5):
        coordinator.ready(number)
    coordinator.now = start + 3599
    coordinator.send("operator", "mark_failed", coordinator.id(2))
    assert coordinator.call("failure_count") == 2
    coordinator.now = start + 3600
    assert coordinator.call("failure_count") == 0
    coordinator.send("operator", "mark_failed", coordinator.id(3))
    assert (coordinator.call("failure_count"), coordinator.call("paused")) == (1, False)
    coordinator.now = start + 3600 + 3599
    coordinator.send("operator", "mark_failed", coordinator.id(4))
    assert (coordinator.call("failure_count"), coordinator.call("paused")) == (2, False)
    coordinator.send("operator", "mark_failed", coordinator.id(5))
    assert coordinator.call("paused") is True


def test_the_third_failure_in_the_last_second_trips(coordinator: Coordinator) -> None:
    """The period is not cut short either."""
    coordinator.send("owner", "set_breaker_threshold", 3)
    fail(coordinator, 1)
    start = coordinator.now
    coordinator.ready(2)
    coordinator.ready(3)
    coordinator.send("operator", "mark_failed", coordinator.id(2))
    coordinator.now = start + 3599
    coordinator.send("operator", "mark_failed", coordinator.id(3))
    assert coordinator.call("paused") is True


def test_what_reverts_or_comes_too_early_is_not_counted(coordinator: Coordinator) -> None:
    """Normal polling never trips the breaker."""
    coordinator.send("owner", "set_breaker_threshold", 1)
    coordinator.buffer(1, timestamp=coordinator.now + 10)
    coordinator.send("operator", "resolve_dependency", coordinator.id(1))
    coordinator.reverts("operator", "mark_executed", coordinator.id(1))
    coordinator.reverts("operator", "expire_transaction", coordinator.id(1))
    coordinator.reverts("attacker", "resolve_dependency", coordinator.id(1))
    assert (coordinator.call("failure_count"), coordinator.call("paused")) == (0, False)
