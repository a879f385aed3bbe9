"""Gas of every operation against the committed snapshot, to the unit.

`UPDATE_GAS=1 pytest tests/contracts/TesseractCoordinator/test_gas.py` writes the snapshot anew; commit it together with
the change of the contract that caused it. The figures are `gasUsed` of whole transactions, intrinsic gas included, on
the Prague rules. The first buffer of a contract costs what a later one does: the counter shares a slot that the
constructor has filled.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator

SNAPSHOT = Path(__file__).resolve().parents[3] / "contracts" / "gas-snapshot.json"
BUFFER_64_BYTES_MAX = 150_000


def measure(coordinator: Coordinator) -> dict[str, int]:
    """Run each operation once in a fixed order; returns its gas by name."""
    payload = bytes(range(1, 252)) * 3
    gas = {"deploy": coordinator.deploy().gas}
    gas["add_operator"] = coordinator.send("owner", "add_operator", coordinator.accounts["operator"]).gas
    coordinator.buffer(1)
    number = 1

    def buffer(size: int, after: int | None = None) -> int:
        nonlocal number
        number += 1
        return coordinator.buffer(number, payload=payload[:size], after=after).gas

    for size in (0, 32, 64, 512):
        gas[f"buffer_transaction {size} B"] = buffer(size)
        gas[f"buffer_transaction {size} B with dependency"] = buffer(size, after=1)
    parent, child, other = coordinator.id(1), coordinator.id(3), coordinator.id(5)
    gas["resolve_dependency not satisfied"] = coordinator.send("operator", "resolve_dependency", child).gas
    gas["resolve_dependency ready"] = coordinator.send("operator", "resolve_dependency", parent).gas
    gas["resolve_dependency ready with dependency"] = coordinator.send("operator", "resolve_dependency", child).gas
    gas["mark_executed"] = coordinator.send("operator", "mark_executed", parent).gas
    gas["mark_failed"] = coordinator.send("operator", "mark_failed", child).gas
    batch = [coordinator.request(n, payload=payload[:64]) for n in range(101, 133)]
    ids = [request[0] for request in batch]
    gas["buffer_batch 32 x 64 B, per item"] = coordinator.send("operator", "buffer_batch", batch).gas // 32
    gas["resolve_batch 32 ready, per item"] = coordinator.send("operator", "resolve_batch", ids).gas // 32
    late = [coordinator.request(n, payload=payload[:64]) for n in range(201, 233)]
    coordinator.send("operator", "buffer_batch", late)
    gas["execute_batch 32, per item"] = coordinator.send("operator", "execute_batch", ids).gas // 32
    coordinator.now += 31
    gas["resolve_dependency expired"] = coordinator.send("operator", "resolve_dependency", other).gas
    gas["expire_transaction"] = coordinator.send("operator", "expire_transaction", coordinator.id(7)).gas
    coordinator.send("owner", "set_breaker_threshold", 0)
    late_ids = [request[0] for request in late]
    gas["resolve_batch 32 expired, per item"] = coordinator.send("operator", "resolve_batch", late_ids).gas // 32
    for name, args in (("set_coordination_window", (60,)), ("set_execution_window", (60,)),
                       ("set_breaker_threshold", (1,)), ("pause", ()), ("unpause", ())):  # fmt: skip
        gas[name] = coordinator.send("owner", name, *args).gas
    last = coordinator.id(9)
    gas["expire_transaction, breaker trips"] = _trip(coordinator, last)
    gas["propose_owner"] = coordinator.send("owner", "propose_owner", coordinator.accounts["newowner"]).gas
    gas["accept_ownership"] = coordinator.send("newowner", "accept_ownership").gas
    return gas


def _trip(coordinator: Coordinator, tx_id: bytes) -> int:
    coordinator.now += 60
    receipt = coordinator.send("operator", "expire_transaction", tx_id)
    assert [name for name, _ in receipt.events] == ["TransactionFailed", "EmergencyStop"]
    return receipt.gas


@pytest.fixture
def gas(coordinator: Coordinator) -> dict[str, int]:
    """Gas by operation, of a contract deployed for this test."""
    fresh = type(coordinator)(coordinator.rpc, coordinator.compiled, coordinator.accounts)
    fresh.now = coordinator.now
    return measure(fresh)


def test_gas_equals_the_committed_snapshot(gas: dict[str, int]) -> None:
    """Any change in cost is seen, and is a decision."""
    if os.environ.get("UPDATE_GAS") == "1":
        SNAPSHOT.write_text(json.dumps(gas, indent=2) + "\n", encoding="utf-8")
    committed = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    changed = {name: (committed.get(name), gas.get(name)) for name in committed.keys() | gas.keys()
               if committed.get(name) != gas.get(name)}  # fmt: skip
    assert not changed, f"(committed, measured): {changed}; if intended, run again with UPDATE_GAS=1 and commit"


def test_buffering_64_bytes_stays_within_its_limit(gas: dict[str, int]) -> None:
    """The figure that throughput and cost are planned with."""
    assert gas["buffer_transaction 64 B"] <= BUFFER_64_BYTES_MAX


def test_cost_does_not_grow_with_what_is_buffered(coordinator: Coordinator) -> None:
    """The hundredth transaction costs what the second did."""
    coordinator.buffer(1, payload=b"\x01" * 64)
    costs = {coordinator.buffer(number, payload=b"\x01" * 64).gas for number in range(2, 101)}
    assert len(costs) == 1
