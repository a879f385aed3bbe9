"""accept_ownership: the second step of a hand-over, by the proposed account alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_it_hands_every_owner_function_over(coordinator: Coordinator) -> None:
    """The old owner keeps nothing of them; the list of operators stays as it was."""
    previous, current = coordinator.accounts["owner"].lower(), coordinator.accounts["newowner"].lower()
    coordinator.send("owner", "propose_owner", current)
    receipt = coordinator.send("newowner", "accept_ownership")
    assert receipt.events == [("OwnershipTransferred", {"previous": previous, "current": current})]
    assert (coordinator.call("owner"), coordinator.call("pending_owner")) == (current, coordinator.zero)
    assert coordinator.reverts("owner", "pause") == "Only owner can pause"
    assert coordinator.reverts("owner", "propose_owner", previous) == "Only owner can propose owner"
    coordinator.send("newowner", "pause")
    coordinator.send("newowner", "unpause")
    coordinator.send("newowner", "remove_operator", previous)
    assert coordinator.call("authorized_operators", current) is False


@pytest.mark.parametrize("role", ["owner", "operator", "attacker"])
def test_nobody_else_accepts(coordinator: Coordinator, role: str) -> None:
    """Neither the owner nor a stranger, with a proposal or without one."""
    assert coordinator.reverts(role, "accept_ownership") == "Only pending owner can accept"
    coordinator.send("owner", "propose_owner", coordinator.accounts["newowner"])
    assert coordinator.reverts(role, "accept_ownership") == "Only pending owner can accept"


def test_it_works_once(coordinator: Coordinator) -> None:
    """An accepted proposal is used up."""
    coordinator.send("owner", "propose_owner", coordinator.accounts["newowner"])
    coordinator.send("newowner", "accept_ownership")
    assert coordinator.reverts("newowner", "accept_ownership") == "Only pending owner can accept"


def test_it_works_while_paused(coordinator: Coordinator) -> None:
    """A hand-over may be what an emergency needs."""
    coordinator.send("owner", "propose_owner", coordinator.accounts["newowner"])
    coordinator.send("owner", "pause")
    coordinator.send("newowner", "accept_ownership")
    coordinator.send("newowner", "unpause")
