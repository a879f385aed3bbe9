"""pause: by the owner, stops every operator function and no owner function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_the_owner_pauses(coordinator: Coordinator) -> None:
    """The event says who and why."""
    receipt = coordinator.send("owner", "pause")
    caller = coordinator.accounts["owner"].lower()
    assert receipt.events == [("EmergencyStop", {"caller": caller, "reason": "Paused by owner"})]
    assert coordinator.call("paused") is True


@pytest.mark.parametrize("role", ["operator", "attacker"])
def test_nobody_else_pauses(coordinator: Coordinator, role: str) -> None:
    """An operator cannot stop the others."""
    assert coordinator.reverts(role, "pause") == "Only owner can pause"
    assert coordinator.call("paused") is False


def test_twice_is_refused(coordinator: Coordinator) -> None:
    """A second stop would look like news in the events."""
    coordinator.send("owner", "pause")
    assert coordinator.reverts("owner", "pause") == "Coordinator is paused"


def test_every_operator_function_is_blocked_and_every_owner_function_works(coordinator: Coordinator) -> None:
    """The interface is walked by name: a function added later must be put on one of the two lists."""
    one, account = coordinator.id(1), coordinator.accounts["operator2"]
    coordinator.ready(1)
    coordinator.send("owner", "pause")
    blocked = {
        "buffer_transaction": coordinator.request(2),
        "buffer_batch": ([coordinator.request(2)],),
        "resolve_dependency": (one,),
        "resolve_batch": ([one],),
        "mark_executed": (one,),
        "execute_batch": ([one],),
        "mark_failed": (one,),
        "expire_transaction": (one,),
    }
    allowed = {
        "add_operator": (account,),
        "remove_operator": (account,),
        "set_coordination_window": (60,),
        "set_execution_window": (60,),
        "set_breaker_threshold": (3,),
        "propose_owner": (account,),
        "unpause": (),
    }
    writing = {name for name, entry in coordinator.functions.items() if entry["stateMutability"] == "nonpayable"}
    assert writing == blocked.keys() | allowed.keys() | {"pause", "accept_ownership"}
    for name, args in blocked.items():
        assert coordinator.reverts("operator", name, *args) == "Coordinator is paused", name
    for name, args in allowed.items():
        coordinator.send("owner", name, *args)
