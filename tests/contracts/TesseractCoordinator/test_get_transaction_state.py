"""get_transaction_state: the compiled numbers 1, 2, 4, 8, 16."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_the_number_of_every_state(coordinator: Coordinator) -> None:
    """A flag's members are powers of two, and an unknown id reads as EMPTY instead of 0."""
    numbers = [coordinator.call("get_transaction_state", coordinator.id(1))]
    coordinator.buffer(1)
    numbers.append(coordinator.call("get_transaction_state", coordinator.id(1)))
    coordinator.send("operator", "resolve_dependency", coordinator.id(1))
    numbers.append(coordinator.call("get_transaction_state", coordinator.id(1)))
    coordinator.send("operator", "mark_executed", coordinator.id(1))
    numbers.append(coordinator.call("get_transaction_state", coordinator.id(1)))
    coordinator.ready(2)
    coordinator.send("operator", "mark_failed", coordinator.id(2))
    numbers.append(coordinator.call("get_transaction_state", coordinator.id(2)))
    assert numbers == [1, 2, 4, 8, 16]


def test_the_zero_id_is_empty(coordinator: Coordinator) -> None:
    """Zero is no transaction."""
    assert coordinator.call("get_transaction_state", bytes(32)) == 1
