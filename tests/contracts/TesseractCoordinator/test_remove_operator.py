"""remove_operator: owner only, effective at once, also while paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_a_removed_operator_loses_every_function(coordinator: Coordinator) -> None:
    """Nothing that only an operator may do works after the removal."""
    coordinator.ready(1)
    account = coordinator.accounts["operator"]
    receipt = coordinator.send("owner", "remove_operator", account)
    assert receipt.events == [("OperatorRemoved", {"operator": account.lower()})]
    assert coordinator.call("authorized_operators", account) is False
    assert coordinator.reverts("operator", "buffer_transaction", *coordinator.request(2)) == "Not authorized"
    assert coordinator.reverts("operator", "mark_executed", coordinator.id(1)) == "Not authorized"


@pytest.mark.parametrize("role", ["operator", "attacker"])
def test_only_the_owner_removes(coordinator: Coordinator, role: str) -> None:
    """An operator cannot lock the others out."""
    owner = coordinator.accounts["owner"]
    assert coordinator.reverts(role, "remove_operator", owner) == "Only owner can remove operators"
    assert coordinator.call("authorized_operators", owner) is True


def test_the_owner_is_an_operator_only_by_the_list(coordinator: Coordinator) -> None:
    """Owning the contract does not grant the operator role once it was taken away."""
    coordinator.send("owner", "remove_operator", coordinator.accounts["owner"])
    assert coordinator.reverts("owner", "buffer_transaction", *coordinator.request(1)) == "Not authorized"


def test_removing_works_while_paused(coordinator: Coordinator) -> None:
    """A stolen operator key can be removed before the stop is lifted."""
    coordinator.send("owner", "pause")
    coordinator.send("owner", "remove_operator", coordinator.accounts["operator"])
    coordinator.send("owner", "unpause")
    assert coordinator.reverts("operator", "buffer_transaction", *coordinator.request(1)) == "Not authorized"
