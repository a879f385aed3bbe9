"""resolve_batch: like single calls in the given order, and a tripped breaker ends it without undoing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_parents_before_children_in_one_batch(coordinator: Coordinator) -> None:
    """A chain becomes ready in one transaction when its order is right."""
    coordinator.buffer(1)
    coordinator.buffer(2, after=1)
    coordinator.buffer(3, after=2)
    receipt = coordinator.send("operator", "resolve_batch", [coordinator.id(n) for n in (1, 2, 3)])
    assert receipt.events == [("TransactionReady", {"tx_id": coordinator.id(n)}) for n in (1, 2, 3)]


def test_each_item_has_its_own_outcome(coordinator: Coordinator) -> None:
    """Ready, too early and expired stand side by side."""
    coordinator.buffer(1)
    coordinator.buffer(2, timestamp=coordinator.now + 31)
    coordinator.buffer(3, timestamp=coordinator.now + 40)
    coordinator.now += 31
    receipt = coordinator.send("operator", "resolve_batch", [coordinator.id(n) for n in (1, 2, 3)])
    assert [(name, args.get("reason")) for name, args in receipt.events] == [
        ("TransactionFailed", "Transaction expired"),
        ("TransactionReady", None),
        ("TransactionFailed", "Dependencies not satisfied"),
    ]
    assert [coordinator.state(n) for n in (1, 2, 3)] == ["EXPIRED", "READY", "BUFFERED"]
    assert coordinator.call("failure_count") == 1


def test_an_item_out_of_state_refuses_the_batch(coordinator: Coordinator) -> None:
    """An unknown id, or the same id twice, takes the good ones back with it."""
    coordinator.buffer(1)
    for ids in ([1, 7], [1, 1]):
        reason = coordinator.reverts("operator", "resolve_batch", [coordinator.id(n) for n in ids])
        assert reason == "Transaction not in buffered state"
        assert coordinator.state(1) == "BUFFERED"


def test_the_breaker_trips_inside_a_batch_and_stays_tripped(coordinator: Coordinator) -> None:
    """The batch ends with the failure that reached the threshold; what stands behind it is untouched."""
    coordinator.send("owner", "set_breaker_threshold", 2)
    for number in (1, 2, 3):
        coordinator.buffer(number)
    coordinator.now += 31
    ids = [coordinator.id(n) for n in (1, 2, 3)]
    receipt = coordinator.send("operator", "resolve_batch", ids)
    assert [name for name, _ in receipt.events] == ["TransactionFailed", "TransactionFailed", "EmergencyStop"]
    assert receipt.events[-1][1]["reason"] == "Failure threshold reached"
    assert coordinator.call("paused") is True
    assert [coordinator.state(n) for n in (1, 2, 3)] == ["EXPIRED", "EXPIRED", "BUFFERED"]


def test_sixty_four_fit_and_sixty_five_do_not(coordinator: Coordinator) -> None:
    """The decoder refuses a batch above the limit."""
    for start in (1, 33):
        requests = [coordinator.request(n) for n in range(start, start + 32)]
        coordinator.send("operator", "buffer_batch", requests)
    ids = [coordinator.id(n) for n in range(1, 65)]
    assert coordinator.reverts("operator", "resolve_batch", [*ids, coordinator.id(65)]) == ""
    assert len(coordinator.send("operator", "resolve_batch", ids).events) == 64


def test_roles_and_pause(coordinator: Coordinator) -> None:
    """Strangers first, then the emergency stop."""
    coordinator.send("owner", "pause")
    assert coordinator.reverts("attacker", "resolve_batch", []) == "Not authorized"
    assert coordinator.reverts("operator", "resolve_batch", []) == "Coordinator is paused"
