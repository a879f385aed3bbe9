"""The client on a node of its own that mines at once: what it says of refusals, failures and ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from eth_account import Account
from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint

from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.coordinator import role_account, rollup_address
from lab.deploy.deployer import Deployable
from lab.sdk import Coordinator, DeadlineExceeded, Finality, Network, NeverReady, Request, Reverted, UsageError

ORIGIN, TARGET = rollup_address("a"), rollup_address("b")
IDS = count(1)


@pytest.fixture(scope="module")
def web3(open_backend: ProcessBackend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web3]:
    log = tmp_path_factory.mktemp("sdk") / "node.log"
    spec = NodeSpec(name="sdk", run_id="sdk", args=("--timestamp", "1800000000"), log_path=log)
    (node,) = open_backend.start_all([spec])
    client = Web3(HTTPProvider(node.url, request_kwargs={"timeout": 600}))
    # A second for each block, however long the machine takes for it: windows end when a test says so.
    client.provider.make_request(RPCEndpoint("anvil_setBlockTimestampInterval"), [1])
    yield client
    node.stop()


@pytest.fixture
def coordinator(web3: Web3, reference: Deployable) -> Coordinator:
    owner = Account.from_key(role_account("owner").key)
    sent = web3.eth.send_transaction({"from": owner.address, "data": reference.contract.bytecode})  # type: ignore[typeddict-item]
    address = web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]
    assert address is not None
    return Coordinator(web3, address, owner, network=Network(Finality(blocks=2)))


def later(web3: Web3, seconds: int) -> None:
    """Let so much time pass in one block."""
    at = web3.eth.get_block("latest")["timestamp"] + seconds
    web3.provider.make_request(RPCEndpoint("evm_setNextBlockTimestamp"), [at])
    web3.provider.make_request(RPCEndpoint("evm_mine"), [])


def request(coordinator: Coordinator, *, in_s: int = 5, parent: str | None = None) -> Request:
    return Request(f"0x{next(IDS):064x}", ORIGIN, TARGET, coordinator.now() + in_s, b"payload", parent)


def test_a_transaction_from_buffered_to_executed(web3: Web3, coordinator: Coordinator) -> None:
    wanted = request(coordinator)
    assert coordinator.state(wanted.tx_id) == "EMPTY"

    mined = coordinator.buffer(wanted)
    assert [event.event for event in mined.events] == ["TransactionBuffered"]
    assert coordinator.state(wanted.tx_id) == "BUFFERED"

    later(web3, 6)
    assert coordinator.resolve(wanted.tx_id).ready
    assert coordinator.wait_ready(wanted.tx_id, timeout_s=600) == "READY"
    coordinator.execute(wanted.tx_id)
    assert coordinator.wait_executed(wanted.tx_id, timeout_s=600) == "EXECUTED"
    assert coordinator.ids() == [wanted.tx_id]
    assert coordinator.wait_final(mined, timeout_s=600).hash == mined.hash


def test_a_resolve_that_fails_has_status_1_and_says_so(web3: Web3, coordinator: Coordinator) -> None:
    child = request(coordinator, parent="0x" + "ff" * 32)
    coordinator.buffer(child)
    later(web3, 6)

    early = coordinator.resolve(child.tx_id)
    assert (early.ready, early.reason) == (False, "Dependencies not satisfied")
    assert coordinator.state(child.tx_id) == "BUFFERED"

    later(web3, 60)
    late = coordinator.resolve(child.tx_id)
    assert (late.ready, late.reason) == (False, "Transaction expired")
    assert coordinator.failure_reason(child.tx_id) == "Transaction expired"
    with pytest.raises(NeverReady) as never:
        coordinator.wait_ready(child.tx_id, timeout_s=600)
    assert never.value.reason == "Transaction expired"


def test_a_window_that_is_over_is_noticed_though_nobody_expires_it(web3: Web3, coordinator: Coordinator) -> None:
    wanted = request(coordinator)
    coordinator.buffer(wanted)
    later(web3, 60)

    with pytest.raises(NeverReady, match="its window is over"):
        coordinator.wait_ready(wanted.tx_id, timeout_s=600)


def test_a_refused_call_is_not_sent(web3: Web3, coordinator: Coordinator) -> None:
    nonce = web3.eth.get_transaction_count(Account.from_key(role_account("owner").key).address)

    with pytest.raises(Reverted) as reverted:
        coordinator.execute("0x" + "ee" * 32)

    assert reverted.value.reason == "Transaction not ready"
    assert web3.eth.get_transaction_count(Account.from_key(role_account("owner").key).address) == nonce


def test_batches(web3: Web3, coordinator: Coordinator) -> None:
    requests = [request(coordinator) for _ in range(3)]
    coordinator.buffer_batch(requests)
    later(web3, 6)

    assert [one.ready for one in coordinator.resolve_batch([each.tx_id for each in requests])] == [True] * 3
    coordinator.execute_batch([each.tx_id for each in requests])
    assert {coordinator.state(each.tx_id) for each in requests} == {"EXECUTED"}
    with pytest.raises(UsageError, match="expected 1 to 64 transactions, got 65"):
        coordinator.resolve_batch([requests[0].tx_id] * 65)


def test_a_wait_ends_at_its_deadline_with_the_last_state(coordinator: Coordinator) -> None:
    wanted = request(coordinator, in_s=500)
    coordinator.buffer(wanted)

    with pytest.raises(DeadlineExceeded, match="it is BUFFERED"):
        coordinator.wait_ready(wanted.tx_id, timeout_s=0, poll_s=0)


def test_unknown_chains_are_named(tmp_path: Path, coordinator: Coordinator) -> None:
    finality = {"blocks": 2}
    chain = {"name": "one", "network": "one", "chain_id": 1, "rpc_url": "http://127.0.0.1:1", "contract": "0x1"}
    chain |= {"rollup": "0x2", "finality": finality, "start_block": 1, "block_time_ms": 1, "mines_empty_blocks": True}
    session = {
        "schema_version": 1,
        "run_id": "r",
        "backend": "b",
        "clock": "real",
        "genesis_time": 0,
        "chains": {"one": chain},
    }
    session |= {"accounts": {}, "key_file": str(tmp_path / "keys.json"), "store_path": "s"}
    session |= {"state_numbering": {}, "abi": coordinator.codec.abi}
    (tmp_path / "keys.json").write_text("{}")
    (tmp_path / "session.json").write_text(json.dumps(session))

    with pytest.raises(UsageError, match="expected a chain of one, got 'two'"):
        Coordinator.from_session(tmp_path / "session.json", "two")
    with pytest.raises(UsageError, match="expected a role of"):
        Coordinator.from_session(tmp_path / "session.json", "one")
