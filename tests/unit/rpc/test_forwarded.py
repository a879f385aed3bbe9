"""Views forwarded by one call are answered as the node answers each, or not at all."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from lab.rpc import Rpc, RpcRefused
from lab.rpc.forwarded import BALANCE, OVERRIDES, answers, forwardable, forwarded
from lab.rpc.prefetch import Request
from tests.unit.conftest import StartLab

PLACE = "0x{:040x}"
# Runtime code, by what a call of it does.
CODE = {
    "says the sender": "0x3360005260206000f3",
    "says the time": "0x4260005260206000f3",
    "says its data": "0x366000600037366000f3",
    "says nothing": "0x00",
    "reverts": "0x600060fffd",
    "takes all gas": "0xfe",
}
WRITES = "0x600160005500"


def request(place: int, data: str = "0x") -> Request:
    """A call of one of them."""
    return "eth_call", [{"to": PLACE.format(place), "data": data}, "latest"]


def alone(rpc: Rpc, asked: Request) -> str | None:
    """What the node answers; None for a refusal."""
    try:
        return str(rpc.call(asked[0], *asked[1]))
    except RpcRefused:
        return None


def test_answers_are_those_of_the_node(start_lab: StartLab) -> None:
    """Values of every length, refusals, an address without code; what would write is left to whoever asked."""
    rpc = start_lab("ethereum").chains["ethereum"].look()
    for place, code in enumerate([*CODE.values(), WRITES], 0x1000):
        rpc.call("anvil_setCode", PLACE.format(place), code)
    asked = [request(place) for place in (*range(0x1000, 0x1000 + len(CODE)), 0x2000)]
    asked += [request(0x1002, "0x" + "5a" * length) for length in (1, 31, 32, 33, 5000)]
    assert all(map(forwardable, asked))
    method, params = forwarded(asked)
    expected = [alone(rpc, call) for call in asked]
    assert expected[:6] == ["0x" + "00" * 32, expected[1], "0x", "0x", None, None]
    assert answers(asked, rpc.call(method, *params)) == expected
    writing = request(0x1000 + len(CODE))
    assert alone(rpc, writing) == "0x"
    method, params = forwarded([writing, asked[0]])
    assert answers([writing, asked[0]], rpc.call(method, *params)) == [None, "0x" + "00" * 32]


def test_balances_and_code(start_lab: StartLab) -> None:
    """Balances as the node writes them, code by its hash; 0 where there is no account."""
    chain = start_lab("ethereum").chains["ethereum"]
    rpc, poor, none = chain.look(), PLACE.format(0x1000), PLACE.format(0x1001)
    rpc.call("anvil_setBalance", poor, hex(10))
    asked: list[Request] = [("eth_getBalance", [place, "latest"]) for place in (poor, none, chain.contract)]
    asked += [("eth_getCode", [place, "latest"]) for place in (chain.contract, poor, none)]
    assert all(map(forwardable, asked))
    method, params = forwarded(asked)
    code = rpc.call("eth_getCode", chain.contract, "latest")
    hashes = ["0x" + keccak(hexstr=code).hex(), "0x" + keccak(b"").hex(), "0x" + "00" * 32]
    balances = [rpc.call("eth_getBalance", place, "latest") for place in (poor, none, chain.contract)]
    assert balances == ["0xa", "0x0", "0x0"]
    assert answers(asked, rpc.call(method, *params)) == [*balances, *hashes]
    assert not any(forwardable((BALANCE, [address, "latest"])) for address in OVERRIDES)


@pytest.mark.parametrize(
    "params",
    [
        [{"to": PLACE.format(1), "data": "0x"}, "0x1"],
        [{"to": PLACE.format(1), "data": "0x", "from": PLACE.format(2)}, "latest"],
        [{"to": PLACE.format(1), "data": "0x"}, "latest", {}],
        [{"to": "0x1", "data": "0x"}, "latest"],
        [{"to": PLACE.format(1), "data": "0x0"}, "latest"],
        [{"to": PLACE.format(1), "data": "0x" + "00" * 65536}, "latest"],
    ],
)
def test_other_calls_are_not_forwarded(params: list[object]) -> None:
    """An older block, a sender, an override, an address or data that are none, more data than a length can say."""
    assert not forwardable(("eth_call", params))


@pytest.mark.parametrize("result", ["0x", "0x01", "0x0100000002aa", "0x0200000000", "0x010000000000", "nonsense", None])
def test_a_result_of_another_shape_is_no_answer(result: object) -> None:
    """Whatever a node that ignores the override says."""
    assert answers([request(1)], result) is None
