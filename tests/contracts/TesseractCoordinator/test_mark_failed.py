"""mark_failed: a ready transaction whose execution failed ends as EXPIRED and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_it_ends_a_ready_transaction_and_counts(coordinator: Coordinator) -> None:
    """EXPIRED, with the reason in the event."""
    coordinator.ready(1)
    receipt = coordinator.send("operator", "mark_failed", coordinator.id(1))
    assert receipt.events == [("TransactionFailed", {"tx_id": coordinator.id(1), "reason": "Execution failed"})]
    assert coordinator.state(1) == "EXPIRED"
    assert coordinator.call("failure_count") == 1


@pytest.mark.parametrize("state", ["EMPTY", "BUFFERED", "EXECUTED", "EXPIRED"])
def test_only_from_ready(coordinator: Coordinator, state: str) -> None:
    """Every other state is refused, stays, and is not counted again."""
    if state == "BUFFERED":
        coordinator.buffer(1)
    elif state != "EMPTY":
        coordinator.ready(1)
        coordinator.send("operator", "mark_executed" if state == "EXECUTED" else "mark_failed", coordinator.id(1))
    count = coordinator.call("failure_count")
    assert coordinator.reverts("operator", "mark_failed", coordinator.id(1)) == "Transaction not ready"
    assert coordinator.state(1) == state
    assert coordinator.call("failure_count") == count


def test_it_trips_the_breaker(coordinator: Coordinator) -> None:
    """The failure that reaches the threshold stops the coordinator in the same transaction."""
    coordinator.send("owner", "set_breaker_threshold", 1)
    coordinator.ready(1)
    receipt = coordinator.send("operator", "mark_failed", coordinator.id(1))
    caller = coordinator.accounts["operator"].lower()
    assert receipt.events[1] == ("EmergencyStop", {"caller": caller, "reason": "Failure threshold reached"})
    assert coordinator.call("paused") is True


def test_roles_and_pause(coordinator: Coordinator) -> None:
    """Strangers first, then the emergency stop."""
    coordinator.ready(1)
    coordinator.send("owner", "pause")
    assert coordinator.reverts("attacker", "mark_failed", coordinator.id(1)) == "Not authorized"
    assert coordinator.reverts("operator", "mark_failed", coordinator.id(1)) == "Coordinator is paused"
    assert coordinator.state(1) == "READY"
