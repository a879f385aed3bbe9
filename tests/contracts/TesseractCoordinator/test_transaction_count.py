"""transaction_count: equals the TransactionBuffered events, whatever becomes of the transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_it_counts_single_calls_and_batches_and_nothing_else(coordinator: Coordinator) -> None:
    """Failures, ends and settings leave it alone."""
    coordinator.buffer(1)
    coordinator.send("operator", "buffer_batch", [coordinator.request(n) for n in (2, 3, 4)])
    coordinator.reverts("operator", "buffer_transaction", *coordinator.request(1))
    coordinator.now += 31
    coordinator.send("operator", "resolve_batch", [coordinator.id(n) for n in (1, 2, 3, 4)])
    coordinator.send("owner", "set_coordination_window", 300)
    coordinator.send("owner", "set_breaker_threshold", 2**32 - 1)
    coordinator.send("owner", "set_execution_window", 2**40 - 1)
    coordinator.send("owner", "pause")
    assert coordinator.call("transaction_count") == 4


def test_packed_neighbours_keep_their_values(coordinator: Coordinator) -> None:
    """Every setting at its largest at the same time, each readable as it was set."""
    coordinator.send("owner", "set_coordination_window", 300)
    coordinator.send("owner", "set_breaker_threshold", 2**32 - 1)
    coordinator.send("owner", "set_execution_window", 2**40 - 1)
    coordinator.ready(1)
    coordinator.send("operator", "mark_failed", coordinator.id(1))
    coordinator.send("owner", "pause")
    assert coordinator.call("coordination_window") == 300
    assert coordinator.call("breaker_threshold") == 2**32 - 1
    assert coordinator.call("execution_window") == 2**40 - 1
    assert coordinator.call("failure_count") == 1
    assert coordinator.call("transaction_count") == 1
    assert coordinator.call("paused") is True
