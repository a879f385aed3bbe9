"""execute_batch: up to 64 executions, all or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_all_are_executed(coordinator: Coordinator) -> None:
    """64 in one transaction, without an event."""
    for start in (1, 33):
        coordinator.send("operator", "buffer_batch", [coordinator.request(n) for n in range(start, start + 32)])
    ids = [coordinator.id(n) for n in range(1, 65)]
    coordinator.send("operator", "resolve_batch", ids)
    assert coordinator.reverts("operator", "execute_batch", [*ids, coordinator.id(65)]) == ""
    assert coordinator.send("operator", "execute_batch", ids).events == []
    assert {coordinator.state(n) for n in (1, 2, 32, 63, 64)} == {"EXECUTED"}


def test_one_that_is_not_ready_refuses_all(coordinator: Coordinator) -> None:
    """A buffered one, an unknown one, or the same one twice."""
    coordinator.ready(1)
    coordinator.buffer(2)
    for ids in ([1, 2], [1, 7], [1, 1], [2, 1]):
        reason = coordinator.reverts("operator", "execute_batch", [coordinator.id(n) for n in ids])
        assert reason == "Transaction not ready"
        assert coordinator.state(1) == "READY"


def test_one_past_its_deadline_refuses_all(coordinator: Coordinator) -> None:
    """The deadline of each item counts."""
    coordinator.send("owner", "set_execution_window", 60)
    coordinator.ready(1)
    coordinator.now += 91
    coordinator.ready(2)
    ids = [coordinator.id(2), coordinator.id(1)]
    assert coordinator.reverts("operator", "execute_batch", ids) == "Execution deadline passed"
    assert coordinator.state(2) == "READY"


def test_roles_and_pause(coordinator: Coordinator) -> None:
    """Strangers first, then the emergency stop."""
    coordinator.send("owner", "pause")
    assert coordinator.reverts("attacker", "execute_batch", []) == "Not authorized"
    assert coordinator.reverts("operator", "execute_batch", []) == "Coordinator is paused"
