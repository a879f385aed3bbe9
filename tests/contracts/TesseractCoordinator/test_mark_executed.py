"""mark_executed: only from READY, once, before the execution deadline; emits nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_it_ends_a_ready_transaction_silently(coordinator: Coordinator) -> None:
    """The state is all that tells of it."""
    coordinator.ready(1)
    assert coordinator.send("operator", "mark_executed", coordinator.id(1)).events == []
    assert coordinator.state(1) == "EXECUTED"


@pytest.mark.parametrize("state", ["EMPTY", "BUFFERED", "EXECUTED", "EXPIRED"])
def test_only_from_ready(coordinator: Coordinator, state: str) -> None:
    """Every other state is refused and stays."""
    if state == "EXECUTED":
        coordinator.ready(1)
        coordinator.send("operator", "mark_executed", coordinator.id(1))
    elif state != "EMPTY":
        coordinator.buffer(1)
    if state == "EXPIRED":
        coordinator.now += 31
        coordinator.send("operator", "expire_transaction", coordinator.id(1))
    assert coordinator.reverts("operator", "mark_executed", coordinator.id(1)) == "Transaction not ready"
    assert coordinator.state(1) == state


def test_without_an_execution_window_there_is_no_deadline(coordinator: Coordinator) -> None:
    """A documented READY never lapses."""
    coordinator.ready(1)
    coordinator.now += 100_000_000
    coordinator.send("operator", "mark_executed", coordinator.id(1))


def test_the_deadline_ends_with_its_last_second(coordinator: Coordinator) -> None:
    """timestamp + coordination window + execution window is in time, one second more is not."""
    coordinator.send("owner", "set_execution_window", 60)
    coordinator.ready(1)
    coordinator.ready(2)
    coordinator.now += 30 + 60
    coordinator.send("operator", "mark_executed", coordinator.id(1))
    coordinator.now += 1
    assert coordinator.reverts("operator", "mark_executed", coordinator.id(2)) == "Execution deadline passed"
    assert coordinator.state(2) == "READY"


def test_roles_and_pause(coordinator: Coordinator) -> None:
    """Strangers first, then the emergency stop."""
    coordinator.ready(1)
    coordinator.send("owner", "pause")
    assert coordinator.reverts("attacker", "mark_executed", coordinator.id(1)) == "Not authorized"
    assert coordinator.reverts("operator", "mark_executed", coordinator.id(1)) == "Coordinator is paused"
