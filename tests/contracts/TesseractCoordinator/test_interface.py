"""The compiled interface against the documented one, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eth_utils.abi import collapse_if_tuple

from tests.compiling import compile_once

if TYPE_CHECKING:
    from lab.deploy.compile import CompiledContract

REQUEST = "(bytes32,address,address,bytes,bytes32,uint256)"
DOCUMENTED = {
    "buffer_transaction(tx_id: bytes32, origin_rollup: address, target_rollup: address, payload: bytes, "
    "dependency_tx_id: bytes32, timestamp: uint256)",
    "resolve_dependency(tx_id: bytes32)",
    "mark_executed(tx_id: bytes32)",
    "is_transaction_ready(tx_id: bytes32) -> bool",
    "get_transaction_state(tx_id: bytes32) -> uint256",
    "get_transaction_details(tx_id: bytes32) -> address,address,bytes32,uint256,uint256",
    "add_operator(operator: address)",
    "remove_operator(operator: address)",
    "set_coordination_window(window_seconds: uint256)",
    "owner() -> address",
    "authorized_operators(arg0: address) -> bool",
    "transactions(tx_id: bytes32) -> (address,address,bytes,bytes32,uint256,uint256)",
    "transaction_count() -> uint256",
    "coordination_window() -> uint256",
}
ADDED = {
    "pause()",
    "unpause()",
    "paused() -> bool",
    "breaker_threshold() -> uint256",
    "failure_count() -> uint256",
    "set_breaker_threshold(threshold: uint256)",
    "propose_owner(new_owner: address)",
    "accept_ownership()",
    "pending_owner() -> address",
    "execution_window() -> uint256",
    "set_execution_window(window_seconds: uint256)",
    "expire_transaction(tx_id: bytes32)",
    "mark_failed(tx_id: bytes32)",
    f"buffer_batch(requests: {REQUEST}[])",
    "resolve_batch(tx_ids: bytes32[])",
    "execute_batch(tx_ids: bytes32[])",
}
EVENTS = {
    "TransactionBuffered(tx_id: indexed bytes32, origin_rollup: indexed address, target_rollup: indexed address, "
    "timestamp: uint256)",
    "TransactionReady(tx_id: indexed bytes32)",
    "TransactionFailed(tx_id: indexed bytes32, reason: string)",
    "OperatorAdded(operator: indexed address)",
    "OperatorRemoved(operator: indexed address)",
    "CoordinationWindowSet(window: uint256)",
    "ExecutionWindowSet(window: uint256)",
    "BreakerThresholdSet(threshold: uint256)",
    "EmergencyStop(caller: indexed address, reason: string)",
    "EmergencyStopLifted(caller: indexed address)",
    "OwnershipProposed(current: indexed address, pending: indexed address)",
    "OwnershipTransferred(previous: indexed address, current: indexed address)",
}

PLAIN = """
flag State:
    EMPTY
    BUFFERED
    READY
    EXECUTED

struct CrossRollupTransaction:
    origin_rollup: address
    target_rollup: address
    payload: Bytes[512]
    dependency_tx_id: bytes32
    timestamp: uint256
    state: State

transactions: public(HashMap[bytes32, CrossRollupTransaction])
"""


def test_functions(compiled: CompiledContract) -> None:
    """No function more, none less, parameters in order and by name."""
    found = set()
    for entry in compiled.abi:
        if entry["type"] == "function":
            inputs = ", ".join(f"{item['name']}: {collapse_if_tuple(item)}" for item in entry["inputs"])
            outputs = ",".join(collapse_if_tuple(item) for item in entry["outputs"])
            found.add(f"{entry['name']}({inputs})" + (f" -> {outputs}" if outputs else ""))
    assert found == DOCUMENTED | ADDED


def test_events(compiled: CompiledContract) -> None:
    """Every event with its indexed parameters."""
    found = set()
    for entry in compiled.abi:
        if entry["type"] == "event":
            inputs = (f"{item['name']}: {'indexed ' * item['indexed']}{item['type']}" for item in entry["inputs"])
            found.add(f"{entry['name']}({', '.join(inputs)})")
    assert found == EVENTS


def test_the_request_has_the_parameters_of_the_single_call(compiled: CompiledContract) -> None:
    """Names and order of the batch's struct."""
    entries = {entry["name"]: entry for entry in compiled.abi if entry["type"] == "function"}
    single = [(item["name"], item["type"]) for item in entries["buffer_transaction"]["inputs"]]
    batch = [(item["name"], item["type"]) for item in entries["buffer_batch"]["inputs"][0]["components"]]
    assert batch == single


def test_the_constructor_takes_nothing_and_nothing_is_payable(compiled: CompiledContract) -> None:
    """No money can get in, and there is no fallback function."""
    constructors = [entry for entry in compiled.abi if entry["type"] == "constructor"]
    assert [entry["inputs"] for entry in constructors] == [[]]
    assert {entry.get("stateMutability") for entry in compiled.abi} <= {"view", "nonpayable", None}
    assert not [entry for entry in compiled.abi if entry["type"] == "fallback"]


def test_transactions_has_the_shape_of_a_public_mapping(compiled: CompiledContract, tmp_path: Path) -> None:
    """A client generated from the plain layout's ABI reads the packed contract too."""
    source = tmp_path / "Plain.vy"
    source.write_text(PLAIN, encoding="utf-8")
    plain = compile_once(source)
    expected, found = (
        next(entry for entry in abi if entry.get("name") == "transactions") for abi in (plain.abi, compiled.abi)
    )
    assert found["outputs"] == expected["outputs"]
    assert [item["type"] for item in found["inputs"]] == [item["type"] for item in expected["inputs"]]
