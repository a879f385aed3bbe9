"""resolve_dependency: ready, too early or expired, told apart by the event alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator

EARLY = "Dependencies not satisfied"
EXPIRED = "Transaction expired"


def resolve(coordinator: Coordinator, number: int) -> list[tuple[str, str | None]]:
    """Resolve as operator; returns the events without the id, which must be the given one."""
    receipt = coordinator.send("operator", "resolve_dependency", coordinator.id(number))
    assert all(event[1]["tx_id"] == coordinator.id(number) for event in receipt.events if "tx_id" in event[1])
    return [(name, args.get("reason")) for name, args in receipt.events]


@pytest.mark.parametrize(
    ("offset", "event", "state"),
    [
        (-1, ("TransactionFailed", EARLY), "BUFFERED"),
        (0, ("TransactionReady", None), "READY"),
        (30, ("TransactionReady", None), "READY"),
        (31, ("TransactionFailed", EXPIRED), "EXPIRED"),
    ],
)
def test_the_window_has_both_its_ends(
    coordinator: Coordinator, offset: int, event: tuple[str, str | None], state: str
) -> None:
    """Ready from the timestamp to the last second of the window, both included."""
    coordinator.buffer(1, timestamp=coordinator.now + 10)
    coordinator.now += 10 + offset
    assert resolve(coordinator, 1) == [event]
    assert coordinator.state(1) == state


def test_too_early_is_no_failure(coordinator: Coordinator) -> None:
    """A resolve that came too early changes nothing and is not counted; the next one can succeed."""
    coordinator.buffer(1, timestamp=coordinator.now + 10)
    for _ in range(3):
        assert resolve(coordinator, 1) == [("TransactionFailed", EARLY)]
    assert coordinator.call("failure_count") == 0
    coordinator.now += 10
    assert resolve(coordinator, 1) == [("TransactionReady", None)]


def test_a_dependency_must_be_ready_or_executed(coordinator: Coordinator) -> None:
    """Unknown, then buffered: too early. Ready, or executed: satisfied."""
    coordinator.buffer(2, after=1)
    coordinator.buffer(3, after=1)
    assert resolve(coordinator, 2) == [("TransactionFailed", EARLY)]
    coordinator.buffer(1)
    assert resolve(coordinator, 2) == [("TransactionFailed", EARLY)]
    resolve(coordinator, 1)
    assert resolve(coordinator, 2) == [("TransactionReady", None)]
    coordinator.send("operator", "mark_executed", coordinator.id(1))
    assert resolve(coordinator, 3) == [("TransactionReady", None)]


def test_an_expired_dependency_is_never_satisfied(coordinator: Coordinator) -> None:
    """The child of an expired parent stays buffered until its own window is over."""
    coordinator.buffer(1)
    coordinator.buffer(2, after=1, timestamp=coordinator.now + 20)
    coordinator.now += 31
    assert resolve(coordinator, 1) == [("TransactionFailed", EXPIRED)]
    assert resolve(coordinator, 2) == [("TransactionFailed", EARLY)]
    coordinator.now += 20
    assert resolve(coordinator, 2) == [("TransactionFailed", EXPIRED)]
    assert coordinator.call("failure_count") == 2


def test_a_dependency_that_failed_is_never_satisfied(coordinator: Coordinator) -> None:
    """A failed execution ends the parent; its child cannot become ready on it."""
    coordinator.ready(1)
    coordinator.buffer(2, after=1)
    coordinator.send("operator", "mark_failed", coordinator.id(1))
    assert resolve(coordinator, 2) == [("TransactionFailed", EARLY)]


def test_a_transaction_that_depends_on_itself_is_never_ready(coordinator: Coordinator) -> None:
    """It is buffered whenever it is asked, so it waits until it expires."""
    coordinator.buffer(1, after=1)
    assert resolve(coordinator, 1) == [("TransactionFailed", EARLY)]
    coordinator.now += 31
    assert resolve(coordinator, 1) == [("TransactionFailed", EXPIRED)]


def test_two_that_depend_on_each_other_are_never_ready(coordinator: Coordinator) -> None:
    """A cycle waits until it expires."""
    coordinator.buffer(1, after=2)
    coordinator.buffer(2, after=1)
    assert resolve(coordinator, 1) == resolve(coordinator, 2) == [("TransactionFailed", EARLY)]


def test_expiry_wins_over_a_satisfied_dependency(coordinator: Coordinator) -> None:
    """Past the window nothing helps."""
    coordinator.ready(1)
    coordinator.buffer(2, after=1)
    coordinator.now += 31
    assert resolve(coordinator, 2) == [("TransactionFailed", EXPIRED)]


@pytest.mark.parametrize("state", ["EMPTY", "READY", "EXECUTED", "EXPIRED"])
def test_only_from_buffered(coordinator: Coordinator, state: str) -> None:
    """Every other state is refused and stays."""
    if state in ("READY", "EXECUTED"):
        coordinator.ready(1)
    if state == "EXECUTED":
        coordinator.send("operator", "mark_executed", coordinator.id(1))
    if state == "EXPIRED":
        coordinator.buffer(1)
        coordinator.now += 31
        resolve(coordinator, 1)
    reason = coordinator.reverts("operator", "resolve_dependency", coordinator.id(1))
    assert reason == "Transaction not in buffered state"
    assert coordinator.state(1) == state


def test_the_zero_id_is_unknown(coordinator: Coordinator) -> None:
    """Zero means "no dependency"; it is never a transaction."""
    reason = coordinator.reverts("operator", "resolve_dependency", bytes(32))
    assert reason == "Transaction not in buffered state"


def test_roles_and_pause(coordinator: Coordinator) -> None:
    """Strangers first, then the emergency stop, then the state."""
    coordinator.send("owner", "pause")
    assert coordinator.reverts("attacker", "resolve_dependency", coordinator.id(1)) == "Not authorized"
    assert coordinator.reverts("operator", "resolve_dependency", coordinator.id(1)) == "Coordinator is paused"


def test_resolving_keeps_the_other_fields(coordinator: Coordinator) -> None:
    """Changing the state in the packed header touches nothing beside it."""
    coordinator.buffer(1, payload=b"\xff" * 512, timestamp=coordinator.now)
    before = coordinator.call("transactions", coordinator.id(1))
    resolve(coordinator, 1)
    after = coordinator.call("transactions", coordinator.id(1))
    assert after[:5] == before[:5]
    assert (before[5], after[5]) == (2, 4)
