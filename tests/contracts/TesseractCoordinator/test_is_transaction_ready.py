"""is_transaction_ready: true in READY only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_true_only_between_resolve_and_execution(coordinator: Coordinator) -> None:
    """Unknown, buffered, ready, executed in turn."""
    answers = [coordinator.call("is_transaction_ready", coordinator.id(1))]
    coordinator.buffer(1)
    answers.append(coordinator.call("is_transaction_ready", coordinator.id(1)))
    coordinator.send("operator", "resolve_dependency", coordinator.id(1))
    answers.append(coordinator.call("is_transaction_ready", coordinator.id(1)))
    coordinator.send("operator", "mark_executed", coordinator.id(1))
    answers.append(coordinator.call("is_transaction_ready", coordinator.id(1)))
    assert answers == [False, False, True, False]


def test_false_once_expired(coordinator: Coordinator) -> None:
    """The end state is not ready."""
    coordinator.ready(1)
    coordinator.send("operator", "mark_failed", coordinator.id(1))
    assert coordinator.call("is_transaction_ready", coordinator.id(1)) is False


def test_views_work_while_paused(coordinator: Coordinator) -> None:
    """An emergency stop hides nothing."""
    coordinator.ready(1)
    coordinator.send("owner", "pause")
    assert coordinator.call("is_transaction_ready", coordinator.id(1)) is True


def test_false_where_the_timestamp_is_still_ahead(coordinator: Coordinator) -> None:
    """Asked for a block before the timestamp, which only a call with an overridden time can do."""
    coordinator.ready(1)
    request = {"to": coordinator.address, "data": coordinator.calldata("is_transaction_ready", (coordinator.id(1),))}
    answers = [
        int(coordinator.rpc("eth_call", request, "latest", {}, {"time": hex(coordinator.now - early)}), 16)
        for early in (1, 0)
    ]
    assert answers == [0, 1]
