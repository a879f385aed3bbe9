"""The constructor: who is in charge of a fresh contract, and with which settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.rpc import RpcRefused

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator


def test_the_deployer_is_owner_and_first_operator(coordinator: Coordinator) -> None:
    """The events of the deployment carry everything that the constructor sets."""
    owner = coordinator.accounts["owner"].lower()
    fresh = type(coordinator)(coordinator.rpc, coordinator.compiled, coordinator.accounts)
    receipt = fresh.deploy()
    assert receipt.events == [
        ("OwnershipTransferred", {"previous": coordinator.zero, "current": owner}),
        ("CoordinationWindowSet", {"window": 30}),
        ("ExecutionWindowSet", {"window": 0}),
        ("BreakerThresholdSet", {"threshold": 25}),
        ("OperatorAdded", {"operator": owner}),
    ]
    assert fresh.call("owner") == owner
    assert fresh.call("authorized_operators", owner) is True
    assert fresh.call("authorized_operators", fresh.accounts["operator"]) is False


def test_first_settings(coordinator: Coordinator) -> None:
    """A fresh contract runs with a 30 s window, no execution deadline, threshold 25 and empty counters."""
    assert coordinator.call("coordination_window") == 30
    assert coordinator.call("execution_window") == 0
    assert coordinator.call("breaker_threshold") == 25
    assert coordinator.call("failure_count") == 0
    assert coordinator.call("transaction_count") == 0
    assert coordinator.call("paused") is False
    assert coordinator.call("pending_owner") == coordinator.zero


def test_the_contract_takes_no_value(coordinator: Coordinator) -> None:
    """Money sent along is refused: nothing could ever take it out."""
    request = {"from": coordinator.accounts["owner"], "to": coordinator.address, "value": "0x1"}
    with pytest.raises(RpcRefused, match="revert"):
        coordinator.rpc("eth_call", request, "latest")
    assert coordinator.rpc("eth_call", request | {"to": coordinator.accounts["user"]}, "latest") == "0x"
