"""Typed calls: quantities, blocks and logs are checked for shape; web3 speaks through the same transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from web3.exceptions import Web3RPCError

from lab.rpc import Rpc, RpcMalformed, RpcRefused, RpcUnavailable


class Canned:
    """A transport with one answer; it remembers what was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[str, list[Any], float | None]] = []

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        self.asked.append((method, params, timeout_s))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


QUANTITIES: list[tuple[Callable[[Rpc], int], str, list[Any]]] = [
    (Rpc.chain_id, "eth_chainId", []),
    (Rpc.block_number, "eth_blockNumber", []),
    (lambda rpc: rpc.nonce("0xa", 5), "eth_getTransactionCount", ["0xa", "0x5"]),
    (lambda rpc: rpc.balance("0xa", "pending"), "eth_getBalance", ["0xa", "pending"]),
]


@pytest.mark.parametrize(("ask", "method", "params"), QUANTITIES)
def test_quantities(ask: Callable[[Rpc], int], method: str, params: list[Any]) -> None:
    """Hex in, integer out."""
    transport = Canned("0x1f")
    assert ask(Rpc(transport)) == 31
    assert transport.asked == [(method, params, None)]


@pytest.mark.parametrize("answer", [None, 31, "latest", "0x", "", "0xzz", ["0x1"], True])
@pytest.mark.parametrize("case", QUANTITIES)
def test_no_quantity(case: tuple[Callable[[Rpc], int], str, list[Any]], answer: Any) -> None:
    """Anything but hex is malformed, with the method named."""
    with pytest.raises(RpcMalformed, match=f"{case[1]}: expected a hex quantity"):
        case[0](Rpc(Canned(answer)))


@pytest.mark.parametrize(
    ("block", "method", "params"),
    [
        ("latest", "eth_getBlockByNumber", ["latest", False]),
        (0, "eth_getBlockByNumber", ["0x0", False]),
        ("0x" + "ab" * 32, "eth_getBlockByHash", ["0x" + "ab" * 32, False]),
    ],
)
def test_blocks_by_number_tag_and_hash(block: int | str, method: str, params: list[Any]) -> None:
    """None for a block that is not there; an object without hash and number is no block."""
    transport = Canned(None)
    assert Rpc(transport).block(block) is None
    assert transport.asked[0][:2] == (method, params)
    transport.answer = {"hash": "0x1", "number": "0x2"}
    assert Rpc(transport).block(block) == transport.answer
    answer: Any
    for answer in ({"hash": "0x1"}, [], "0x1"):
        transport.answer = answer
        with pytest.raises(RpcMalformed, match="expected a block"):
            Rpc(transport).block(block)


def test_calls_and_logs_are_checked_for_shape() -> None:
    """Hex data and lists; the range of logs includes both ends."""
    transport: Canned = Canned("0x01")
    assert Rpc(transport).eth_call("0xc", "0xd", sender="0xa", block={"blockHash": "0xb"}) == "0x01"
    assert transport.asked[0][1] == [{"to": "0xc", "data": "0xd", "from": "0xa"}, {"blockHash": "0xb"}]
    answer: Any
    for answer in (None, "01", 1):
        transport.answer = answer
        with pytest.raises(RpcMalformed, match="expected hex data"):
            Rpc(transport).eth_call("0xc", "0xd")
    transport.answer = []
    assert Rpc(transport).logs("0xc", 3, 3) == []
    assert transport.asked[-1][1] == [{"address": "0xc", "fromBlock": "0x3", "toBlock": "0x3"}]
    transport.answer = {}
    with pytest.raises(RpcMalformed, match="expected a list of logs"):
        Rpc(transport).logs("0xc", 1, 2)


def test_a_send_passes_its_timeout_on() -> None:
    """Each call may have a time of its own."""
    transport = Canned("0xhash")
    assert Rpc(transport).send_raw("0xraw", timeout_s=1.5) == "0xhash"
    assert transport.asked == [("eth_sendRawTransaction", ["0xraw"], 1.5)]


def test_web3_speaks_through_the_transport() -> None:
    """Results, refusals as web3's own error, and other failures as they are."""
    transport: Canned = Canned("0x10")
    web3 = Rpc(transport).web3()
    assert web3.eth.block_number == 16
    assert web3.is_connected()
    transport.answer = RpcRefused("eth_blockNumber", -32005, "limit exceeded")
    with pytest.raises(Web3RPCError, match="limit exceeded"):
        _ = web3.eth.block_number
    transport.answer = RpcUnavailable("eth_blockNumber", "gone", sent=False)
    with pytest.raises(RpcUnavailable, match="gone"):
        _ = web3.eth.block_number
