"""transactions: the shape of a public mapping of the documented struct, read from packed storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_an_unknown_id_is_empty(coordinator: Coordinator) -> None:
    """Zeros and no payload."""
    found = coordinator.call("transactions", coordinator.id(1))
    assert found == (coordinator.zero, coordinator.zero, b"", bytes(32), 0, 1)


def test_transactions_do_not_shine_through_each_other(coordinator: Coordinator) -> None:
    """Neighbouring ids with full payloads keep their own."""
    for number in (1, 2, 3):
        coordinator.buffer(number, payload=bytes([number]) * 512, after=number + 100)
    for number in (1, 2, 3):
        found = coordinator.call("transactions", coordinator.id(number))
        assert (found[2], found[3]) == (bytes([number]) * 512, coordinator.id(number + 100))
