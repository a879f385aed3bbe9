"""get_transaction_details: origin, target, dependency, timestamp, state."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_the_fields_in_their_documented_order(coordinator: Coordinator) -> None:
    """With and without a dependency."""
    origin, target = coordinator.origin.lower(), coordinator.target.lower()
    at = coordinator.now + 5
    coordinator.buffer(1, after=7, timestamp=at, payload=b"\xff" * 512)
    coordinator.buffer(2, timestamp=at, origin_rollup="0x" + "ff" * 20)
    assert coordinator.call("get_transaction_details", coordinator.id(1)) == (origin, target, coordinator.id(7), at, 2)
    found = coordinator.call("get_transaction_details", coordinator.id(2))
    assert found == ("0x" + "ff" * 20, target, bytes(32), at, 2)


def test_an_unknown_id_is_empty(coordinator: Coordinator) -> None:
    """Zeros, and the state EMPTY."""
    found = coordinator.call("get_transaction_details", coordinator.id(1))
    assert found == (coordinator.zero, coordinator.zero, bytes(32), 0, 1)
