"""propose_owner: the first step of a hand-over, which changes nothing yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_the_owner_stays_in_charge(coordinator: Coordinator) -> None:
    """The proposed account has no rights before it accepts."""
    owner, pending = coordinator.accounts["owner"].lower(), coordinator.accounts["newowner"].lower()
    receipt = coordinator.send("owner", "propose_owner", pending)
    assert receipt.events == [("OwnershipProposed", {"current": owner, "pending": pending})]
    assert (coordinator.call("owner"), coordinator.call("pending_owner")) == (owner, pending)
    assert coordinator.reverts("newowner", "pause") == "Only owner can pause"
    coordinator.send("owner", "pause")


@pytest.mark.parametrize("role", ["operator", "attacker", "newowner"])
def test_only_the_owner_proposes(coordinator: Coordinator, role: str) -> None:
    """Nobody proposes himself."""
    assert coordinator.reverts(role, "propose_owner", coordinator.accounts[role]) == "Only owner can propose owner"
    assert coordinator.call("pending_owner") == coordinator.zero


def test_a_pending_owner_cannot_pass_the_proposal_on(coordinator: Coordinator) -> None:
    """Proposing is the owner's alone."""
    coordinator.send("owner", "propose_owner", coordinator.accounts["newowner"])
    reason = coordinator.reverts("newowner", "propose_owner", coordinator.accounts["attacker"])
    assert reason == "Only owner can propose owner"


def test_zero_withdraws_the_proposal(coordinator: Coordinator) -> None:
    """The account proposed before can no longer accept."""
    coordinator.send("owner", "propose_owner", coordinator.accounts["newowner"])
    coordinator.send("owner", "propose_owner", coordinator.zero)
    assert coordinator.reverts("newowner", "accept_ownership") == "Only pending owner can accept"


def test_a_later_proposal_replaces_an_earlier_one(coordinator: Coordinator) -> None:
    """Only the last one can be accepted."""
    coordinator.send("owner", "propose_owner", coordinator.accounts["attacker"])
    coordinator.send("owner", "propose_owner", coordinator.accounts["newowner"])
    assert coordinator.reverts("attacker", "accept_ownership") == "Only pending owner can accept"
    coordinator.send("newowner", "accept_ownership")
