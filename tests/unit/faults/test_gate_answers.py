"""What the gate answers without the node, or without fixing the block to come, is what the node would have said."""

from __future__ import annotations

from typing import Any

import pytest

from lab.faults.transport.methods import OF_MINED, of_mined
from lab.rpc import Rpc, RpcRefused

from ..conftest import StartLab
from ..real_chains import buffer, head
from .test_gate import gate_of

CODE_AT = "0x00000000000000000000000000000000000c0de0"
# Returns time, base fee, number and gas limit of the block that it runs in.
CODE = "0x42600052486020524360405245606052" + "60806000f3"


@pytest.mark.parametrize("name", ["ethereum", "arbitrum", "base"])
def test_every_block_is_as_the_node_shows_it(start_lab: StartLab, name: str) -> None:
    """Full and empty ones, replaced ones, and those of a node that got its chain back."""
    lab = start_lab(name, deepest_reorg=8)
    chain, gate = lab.chains[name], gate_of(lab, name)

    def compare(*, known: bool) -> None:
        node = chain.look()
        numbers = [hex(number) for number in range(head(lab, name) + 3)]
        for reference in ("latest", "earliest", "finalized", "0x01", "0xA", *numbers):
            asked = [reference, False]
            answer = gate.call("eth_getBlockByNumber", asked)
            assert answer == node.call("eth_getBlockByNumber", *asked)
            assert answer is None or list(answer) == list(node.call("eth_getBlockByNumber", *asked))
        assert (chain.producer.recent.shown("latest") is not None) is known
        # The newest blocks, some of them replaced, and as many that are not there.
        newest = numbers[-8:]
        filters = [{"fromBlock": first, "toBlock": last} for first in newest for last in ("latest", "0x1", *newest)]
        filters += [{"blockHash": answer["hash"]} for answer in map(block, numbers) if answer]
        answered = 0
        for one in filters:
            wanted = {"address": chain.contract, **one}
            answered += chain.producer.recent.without_logs(wanted)
            assert logs(gate, wanted) == logs(node, wanted), wanted
        assert (answered > 0) is (known and chain.profile.mines_empty_blocks)

    def block(number: str) -> Any:
        return gate.call("eth_getBlockByNumber", [number, False])

    for number in range(6):
        lab.scheduler.advance_to(20_000 * (number + 1))
        buffer(lab, name, number)
    lab.scheduler.advance_to(150_000)
    compare(known=True)
    chain.reorg(2, requeue=True)
    lab.scheduler.advance_to(165_000)
    compare(known=True)
    chain.crash()
    chain.restart()
    compare(known=False)
    # What it was given is not what it keeps: the answers can be changed by whoever has them.
    gate.call("eth_getBlockByNumber", ["latest", False])["hash"] = "0x"
    compare(known=False)


def logs(node: Any, wanted: dict[str, str]) -> Any:
    """What it says, be it a refusal."""
    try:
        return node.call("eth_getLogs", [wanted]) if not isinstance(node, Rpc) else node.call("eth_getLogs", wanted)
    except RpcRefused as refused:
        return refused.reason


@pytest.mark.parametrize(
    "wanted",
    [
        {"fromBlock": "0x2", "toBlock": "0x2"},
        {"address": "0x12", "fromBlock": "0x2", "toBlock": "0x2"},
        {"address": ["0x" + "12" * 20], "fromBlock": "0x2", "toBlock": "0x2"},
        {"address": "0x" + "12" * 20, "fromBlock": "0x2"},
        {"address": "0x" + "12" * 20, "fromBlock": "0x2", "toBlock": "0x1"},
        {"address": "0x" + "12" * 20, "fromBlock": "earliest", "toBlock": "0x2"},
        {"address": "0x" + "12" * 20, "fromBlock": "0x2", "toBlock": "0x99"},
        {"address": "0x" + "12" * 20, "fromBlock": "0x2", "toBlock": "0x2", "topics": ["0x12"]},
        {"address": "0x" + "12" * 20, "fromBlock": "0x2", "toBlock": "0x2", "blockHash": "0x12"},
        {"address": "0x" + "12" * 20, "blockHash": "0x12"},
        {"address": "0x" + "12" * 20, "blockHash": None},
        [],
        None,
    ],
)
def test_other_filters_are_left_to_the_node(start_lab: StartLab, wanted: object) -> None:
    """Whatever it makes of them."""
    lab = start_lab("ethereum")
    lab.scheduler.advance_to(60_000)
    chain = lab.chains["ethereum"]
    chain.look()
    recent = chain.producer.recent
    plain = {"address": "0x" + "12" * 20, "fromBlock": "0x2", "toBlock": "latest"}
    assert recent.without_logs(plain)
    assert not recent.without_logs(wanted)


def asked(contract: str, tx_hash: str, block: dict[str, Any]) -> dict[str, list[list[Any]]]:
    """Parameters for each method, by every way to name a mined block."""
    number, block_hash = block["number"], block["hash"]
    names = ["latest", "earliest", number, {"blockHash": block_hash}]
    call = [{"to": CODE_AT, "data": "0x"}, "latest", {CODE_AT: {"code": CODE}}]
    return {
        "eth_chainId": [[]],
        "eth_blockNumber": [[]],
        "eth_syncing": [[]],
        "eth_getBlockByNumber": [["latest", True], [number, False]],
        "eth_getBlockByHash": [[block_hash, True]],
        "eth_getBlockReceipts": [[number], ["latest"]],
        "eth_getTransactionReceipt": [[tx_hash]],
        "eth_getLogs": [[{"address": contract, "fromBlock": "0x0", "toBlock": "latest"}], [{"blockHash": block_hash}]],
        "eth_call": [[call[0], name, call[2]] for name in names],
        "eth_getBalance": [[contract, name] for name in names],
        "eth_getCode": [[contract, name] for name in names],
        "eth_getTransactionCount": [[contract, name] for name in names],
    }


@pytest.mark.parametrize("name", ["ethereum", "polygon", "arbitrum", "optimism"])
def test_nothing_of_the_block_to_come_shows_in_answers_about_mined_ones(start_lab: StartLab, name: str) -> None:
    """Whatever that block is to be: asked twice, with another time and base fee of it, the node says the same."""
    lab = start_lab(name)
    tx_hash = buffer(lab, name, 1)
    lab.scheduler.advance_to(30_000)
    node = lab.chains[name].look()
    block = node.block()
    assert block is not None
    asking = asked(lab.chains[name].contract, tx_hash, block)
    assert asking.keys() == OF_MINED.keys()

    def answers(seconds: int, base_fee: int) -> list[Any]:
        node.call("evm_setNextBlockTimestamp", lab.genesis_time + seconds)
        node.call("anvil_setNextBlockBaseFeePerGas", base_fee)
        return [answer(node, method, params) for method, each in asking.items() for params in each]

    assert all(of_mined(method, params) for method, each in asking.items() for params in each)
    assert answers(100, 10**9) == answers(2_000, 10**12)
    assert time_of_pending(node) == lab.genesis_time + 2_000


def answer(node: Rpc, method: str, params: list[Any]) -> Any:
    """A refusal is one, too: at genesis no L1 fee can be paid."""
    try:
        return node.call(method, *params)
    except RpcRefused as refused:
        return str(refused)


def time_of_pending(node: Rpc) -> int:
    """What a contract would take for the time if it ran in the block to come."""
    result = node.call("eth_call", {"to": CODE_AT, "data": "0x"}, "pending", {CODE_AT: {"code": CODE}})
    return int(result[2:66], 16)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_call", [{"to": CODE_AT}]),
        ("eth_call", [{"to": CODE_AT}, "pending"]),
        ("eth_call", [{"to": CODE_AT}, {"blockNumber": "pending"}]),
        ("eth_getBlockByNumber", ["pending", False]),
        ("eth_getLogs", [{"fromBlock": "0x1", "toBlock": "pending"}]),
        ("eth_getLogs", []),
        ("eth_estimateGas", [{"to": CODE_AT}, "latest"]),
        ("eth_feeHistory", ["0x1", "latest", []]),
        ("eth_gasPrice", []),
        ("eth_sendRawTransaction", ["0x"]),
    ],
)
def test_what_may_concern_the_block_to_come_is_known_as_such(method: str, params: list[Any]) -> None:
    """By its name as by the block that it is asked of, or that it leaves open."""
    assert not of_mined(method, params)
