"""add_operator: owner only, effective at once, also while paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_an_added_operator_may_buffer(coordinator: Coordinator) -> None:
    """The role takes effect with the next transaction and is announced."""
    assert coordinator.reverts("operator2", "buffer_transaction", *coordinator.request(1)) == "Not authorized"
    account = coordinator.accounts["operator2"]
    receipt = coordinator.send("owner", "add_operator", account)
    assert receipt.events == [("OperatorAdded", {"operator": account.lower()})]
    assert coordinator.call("authorized_operators", account) is True
    coordinator.send("operator2", "buffer_transaction", *coordinator.request(1))


@pytest.mark.parametrize("role", ["operator", "attacker"])
def test_only_the_owner_adds(coordinator: Coordinator, role: str) -> None:
    """An operator cannot make another one."""
    assert coordinator.reverts(role, "add_operator", coordinator.accounts[role]) == "Only owner can add operators"
    assert coordinator.call("authorized_operators", coordinator.accounts["attacker"]) is False


def test_adding_works_while_paused(coordinator: Coordinator) -> None:
    """An emergency stop leaves the list of operators in the owner's hands."""
    coordinator.send("owner", "pause")
    coordinator.send("owner", "add_operator", coordinator.accounts["operator2"])
    assert coordinator.call("authorized_operators", coordinator.accounts["operator2"]) is True
