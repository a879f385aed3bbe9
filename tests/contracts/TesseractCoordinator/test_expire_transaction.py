"""expire_transaction: ends what is buffered past its window or ready past its execution deadline, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_a_buffered_one_expires_one_second_past_its_window(coordinator: Coordinator) -> None:
    """The last second of the window still belongs to it."""
    coordinator.buffer(1)
    coordinator.now += 30
    assert coordinator.reverts("operator", "expire_transaction", coordinator.id(1)) == "Transaction not expired"
    coordinator.now += 1
    receipt = coordinator.send("operator", "expire_transaction", coordinator.id(1))
    assert receipt.events == [("TransactionFailed", {"tx_id": coordinator.id(1), "reason": "Transaction expired"})]
    assert coordinator.state(1) == "EXPIRED"
    assert coordinator.call("failure_count") == 1


def test_a_ready_one_expires_one_second_past_its_deadline(coordinator: Coordinator) -> None:
    """The execution deadline frees what nobody executed."""
    coordinator.send("owner", "set_execution_window", 60)
    coordinator.ready(1)
    coordinator.now += 90
    assert coordinator.reverts("operator", "expire_transaction", coordinator.id(1)) == "Transaction not expired"
    coordinator.now += 1
    coordinator.send("operator", "expire_transaction", coordinator.id(1))
    assert coordinator.state(1) == "EXPIRED"
    assert coordinator.call("failure_count") == 1


def test_a_ready_one_without_deadline_never_expires(coordinator: Coordinator) -> None:
    """No execution window, no deadline."""
    coordinator.ready(1)
    coordinator.now += 100_000_000
    assert coordinator.reverts("operator", "expire_transaction", coordinator.id(1)) == "Transaction not expired"


@pytest.mark.parametrize("state", ["EMPTY", "EXECUTED", "EXPIRED"])
def test_an_end_state_is_final(coordinator: Coordinator, state: str) -> None:
    """However late it is."""
    coordinator.send("owner", "set_execution_window", 1)
    if state != "EMPTY":
        coordinator.ready(1)
        coordinator.send("operator", "mark_executed" if state == "EXECUTED" else "mark_failed", coordinator.id(1))
    coordinator.now += 10_000
    assert coordinator.reverts("operator", "expire_transaction", coordinator.id(1)) == "Transaction not expired"
    assert coordinator.state(1) == state


def test_a_wider_window_saves_a_buffered_one(coordinator: Coordinator) -> None:
    """The window in force decides, not the one at the time of buffering."""
    coordinator.buffer(1)
    coordinator.now += 31
    coordinator.send("owner", "set_coordination_window", 31)
    assert coordinator.reverts("operator", "expire_transaction", coordinator.id(1)) == "Transaction not expired"


def test_roles_and_pause(coordinator: Coordinator) -> None:
    """Strangers first, then the emergency stop."""
    coordinator.buffer(1)
    coordinator.now += 31
    coordinator.send("owner", "pause")
    assert coordinator.reverts("attacker", "expire_transaction", coordinator.id(1)) == "Not authorized"
    assert coordinator.reverts("operator", "expire_transaction", coordinator.id(1)) == "Coordinator is paused"
