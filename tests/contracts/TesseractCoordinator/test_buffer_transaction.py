"""buffer_transaction: validation in its documented order, exact payloads, timestamps at their limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_it_stores_and_announces_the_transaction(coordinator: Coordinator) -> None:
    """One event, one more in the count, every field as given."""
    receipt = coordinator.buffer(1, payload=b"hello", after=9, timestamp=coordinator.now + 7)
    assert receipt.events == [
        ("TransactionBuffered", {"tx_id": coordinator.id(1), "origin_rollup": coordinator.origin.lower(),
                                 "target_rollup": coordinator.target.lower(), "timestamp": coordinator.now + 7})
    ]  # fmt: skip
    assert coordinator.call("transaction_count") == 1
    assert coordinator.call("transactions", coordinator.id(1)) == (
        coordinator.origin.lower(), coordinator.target.lower(), b"hello", coordinator.id(9), coordinator.now + 7, 2
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tx_id": bytes(32)}, "Invalid transaction ID"),
        ({"origin_rollup": "0x" + "00" * 20}, "Invalid origin rollup"),
        ({"target_rollup": "0x" + "00" * 20}, "Invalid target rollup"),
        ({"target_rollup": "0x" + "a1" * 20}, "Origin and target must be different"),
        ({"timestamp": 1}, "Timestamp cannot be in the past"),
        ({"timestamp": 2**64}, "Timestamp too far"),
        ({"timestamp": 2**256 - 1}, "Timestamp too far"),
    ],
)
def test_it_refuses_bad_values(coordinator: Coordinator, changes: dict[str, Any], reason: str) -> None:
    """Each documented reason, and nothing stored behind it."""
    assert coordinator.reverts("operator", "buffer_transaction", *coordinator.request(1, **changes)) == reason
    assert coordinator.call("transaction_count") == 0
    assert coordinator.state(1) == "EMPTY"


def test_the_order_of_validation(coordinator: Coordinator) -> None:
    """With everything wrong at once, mending the reported fault brings up the next one in the documented order."""
    zero = coordinator.zero
    coordinator.buffer(1)
    coordinator.send("owner", "pause")
    wrong = {"tx_id": bytes(32), "origin_rollup": zero, "target_rollup": zero, "timestamp": 1}

    def reason(role: str) -> str:
        return coordinator.reverts(role, "buffer_transaction", *coordinator.request(1, **wrong))

    assert reason("attacker") == "Not authorized"
    assert reason("operator") == "Coordinator is paused"
    coordinator.send("owner", "unpause")
    assert reason("operator") == "Invalid transaction ID"
    del wrong["tx_id"]
    assert reason("operator") == "Invalid origin rollup"
    del wrong["origin_rollup"]
    assert reason("operator") == "Invalid target rollup"
    wrong["target_rollup"] = coordinator.origin
    assert reason("operator") == "Origin and target must be different"
    del wrong["target_rollup"]
    assert reason("operator") == "Timestamp cannot be in the past"
    del wrong["timestamp"]
    assert reason("operator") == "Transaction already exists"


def test_the_timestamp_may_be_now_but_not_a_second_ago(coordinator: Coordinator) -> None:
    """The boundary belongs to the present."""
    coordinator.buffer(1, timestamp=coordinator.now)
    late = coordinator.request(2, timestamp=coordinator.now - 1)
    assert coordinator.reverts("operator", "buffer_transaction", *late) == "Timestamp cannot be in the past"


def test_the_largest_timestamp_is_kept_and_does_not_overflow(coordinator: Coordinator) -> None:
    """2**64 - 1 plus any window is still a number: resolving it comes too early instead of reverting."""
    coordinator.send("owner", "set_coordination_window", 300)
    coordinator.send("owner", "set_execution_window", 2**40 - 1)
    coordinator.buffer(1, timestamp=2**64 - 1, payload=b"\xff" * 64)
    receipt = coordinator.send("operator", "resolve_dependency", coordinator.id(1))
    assert receipt.events[0][1]["reason"] == "Dependencies not satisfied"
    assert coordinator.call("transactions", coordinator.id(1))[4:] == (2**64 - 1, 2)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 63, 64, 65, 511, 512])
@pytest.mark.parametrize("pattern", ["rising", "ones", "zeros", "gap", "tail"])
def test_payloads_come_back_exactly(coordinator: Coordinator, size: int, pattern: str) -> None:
    """Every size around a word boundary, with words of zeros at the start, in the middle and at the end."""
    payload = {
        "rising": bytes(index % 251 for index in range(size)),
        "ones": b"\xff" * size,
        "zeros": bytes(size),
        "gap": (b"\x11" * 32 + bytes(32) + b"\x22" * 448)[:size],
        "tail": (bytes(max(size - 1, 0)) + b"\x01")[:size],
    }[pattern]
    coordinator.buffer(1, payload=payload)
    coordinator.buffer(2, payload=b"\xaa" * 512)
    assert coordinator.call("transactions", coordinator.id(1))[2] == payload


def test_a_payload_of_513_bytes_is_refused(coordinator: Coordinator) -> None:
    """The decoder refuses it, without a reason, and stores nothing."""
    assert coordinator.reverts("operator", "buffer_transaction", *coordinator.request(1, payload=b"\x01" * 513)) == ""
    assert coordinator.state(1) == "EMPTY"


@pytest.mark.parametrize("end", ["BUFFERED", "READY", "EXECUTED", "EXPIRED"])
def test_an_id_is_never_used_twice(coordinator: Coordinator, end: str) -> None:
    """Whatever became of a transaction, its id stays taken."""
    coordinator.buffer(1)
    if end == "EXPIRED":
        coordinator.now += 31
    if end != "BUFFERED":
        coordinator.send("operator", "resolve_dependency", coordinator.id(1))
    if end == "EXECUTED":
        coordinator.send("operator", "mark_executed", coordinator.id(1))
    assert coordinator.state(1) == end
    again = coordinator.request(1, payload=b"other")
    assert coordinator.reverts("operator", "buffer_transaction", *again) == "Transaction already exists"
    assert coordinator.call("transaction_count") == 1


def test_the_owner_may_buffer_by_its_first_role(coordinator: Coordinator) -> None:
    """The constructor made the owner an operator."""
    coordinator.send("owner", "buffer_transaction", *coordinator.request(1))
    assert coordinator.state(1) == "BUFFERED"
