"""buffer_batch: up to 32 requests, all or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_a_full_batch_is_stored(coordinator: Coordinator) -> None:
    """32 requests with payloads of their own give 32 events in order, and each reads back exactly."""
    requests = [coordinator.request(n, payload=bytes([n]) * (n * 16), timestamp=coordinator.now + n)
                for n in range(1, 33)]  # fmt: skip
    receipt = coordinator.send("operator", "buffer_batch", requests)
    assert [event[1]["tx_id"] for event in receipt.events] == [coordinator.id(n) for n in range(1, 33)]
    assert {event[0] for event in receipt.events} == {"TransactionBuffered"}
    assert coordinator.call("transaction_count") == 32
    for number in (1, 2, 31, 32):
        found = coordinator.call("transactions", coordinator.id(number))
        assert (found[2], found[4]) == (bytes([number]) * (number * 16), coordinator.now + number)


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tx_id": bytes(32)}, "Invalid transaction ID"),
        ({"origin_rollup": "0x" + "00" * 20}, "Invalid origin rollup"),
        ({"target_rollup": "0x" + "00" * 20}, "Invalid target rollup"),
        ({"target_rollup": "0x" + "a1" * 20}, "Origin and target must be different"),
        ({"timestamp": 1}, "Timestamp cannot be in the past"),
        ({"tx_id": b"\x09" * 32}, "Transaction already exists"),
        ({"timestamp": 2**64}, "Timestamp too far"),
    ],
)
def test_one_bad_request_refuses_all(
    coordinator: Coordinator, position: int, changes: dict[str, Any], reason: str
) -> None:
    """The reason is that of the single call, and none of the good requests is stored."""
    coordinator.buffer(9)
    requests = [coordinator.request(n) for n in (1, 2, 3)]
    requests[position] = coordinator.request(position + 1, **changes)
    assert coordinator.reverts("operator", "buffer_batch", requests) == reason
    assert [coordinator.state(n) for n in (1, 2, 3)] == ["EMPTY"] * 3
    assert coordinator.call("transaction_count") == 1


def test_an_id_twice_in_one_batch_is_refused(coordinator: Coordinator) -> None:
    """The second request meets the first."""
    requests = [coordinator.request(1), coordinator.request(1)]
    assert coordinator.reverts("operator", "buffer_batch", requests) == "Transaction already exists"


def test_thirty_three_requests_are_too_many(coordinator: Coordinator) -> None:
    """The decoder refuses the batch."""
    assert coordinator.reverts("operator", "buffer_batch", [coordinator.request(n) for n in range(1, 34)]) == ""


def test_a_batch_of_none_changes_nothing(coordinator: Coordinator) -> None:
    """No request, no event, no count."""
    assert coordinator.send("operator", "buffer_batch", []).events == []
    assert coordinator.call("transaction_count") == 0


def test_roles_and_pause(coordinator: Coordinator) -> None:
    """Strangers first, then the emergency stop."""
    coordinator.send("owner", "pause")
    assert coordinator.reverts("attacker", "buffer_batch", [coordinator.request(1)]) == "Not authorized"
    assert coordinator.reverts("operator", "buffer_batch", [coordinator.request(1)]) == "Coordinator is paused"
