"""The effects that faults have on requests, over HTTP as in the gate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.faults import FaultContext
from lab.faults.requests.huge_response import HugeResponse, HugeResponseFault
from lab.faults.transport import carrier
from lab.faults.transport.policy import Effect
from lab.rpc import RpcMalformed, RpcRefused, RpcTimeout, RpcUnavailable
from tests.unit.faults.proxied import Always, Proxied, proxied, signed
from tests.waiting import eventually

SEND = "eth_sendRawTransaction"
SHORT_S = 0.3


@pytest.fixture
def lab() -> Iterator[Proxied]:
    with proxied() as parts:
        yield parts


def test_silence(lab: Proxied, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client waits in vain, and the node never sees it."""
    monkeypatch.setattr(carrier, "HOLD_MS", 4_000 * SHORT_S)
    lab.policy.add(Always(Effect(silence=True), SEND))
    with pytest.raises(RpcTimeout):
        lab.client(SHORT_S).call(SEND, [signed()])
    assert lab.client().call("eth_chainId", []) == "answer to eth_chainId"
    eventually(lambda: lab.outcomes() == ["info"], "a send without a known outcome")
    assert lab.upstream.methods() == ["eth_chainId"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_reset(lab: Proxied, when: Any) -> None:
    """The connection breaks either way; only with `after` the node has seen the request."""
    lab.policy.add(Always(Effect(reset=when)))
    with pytest.raises(RpcUnavailable) as failure:
        lab.client().call(SEND, [signed()])
    assert not failure.value.definite
    assert lab.upstream.methods() == ([SEND] if when == "after" else [])
    assert lab.outcomes() == ["info"]


def test_duplicate(lab: Proxied) -> None:
    """The node sees it twice."""
    lab.policy.add(Always(Effect(duplicate=True), SEND))
    assert lab.client().call(SEND, [signed()]) == f"answer to {SEND}"
    assert lab.upstream.methods() == [SEND, SEND]
    assert lab.outcomes() == ["ok"]


def test_asks_and_rewrites(lab: Proxied) -> None:
    """The node is asked something else, and the client told something else, in the order of the rules."""
    lab.policy.add(Always(Effect(asks=(lambda params: [*params, 1],), rewrites=(lambda result: result + "!",))))
    lab.policy.add(Always(Effect(asks=(lambda params: [*params, 2],), rewrites=(lambda result: result + "?",))))
    assert lab.client().call("eth_call", [0]) == "answer to eth_call!?"
    assert [request["params"] for request in lab.upstream.requests] == [[0, 1, 2]]


def test_a_refusal_by_a_rule_that_looks_at_the_request(lab: Proxied) -> None:
    """It travels as the node's own would, and the node is not asked."""

    def refuse(params: list[Any]) -> list[Any]:
        raise RpcRefused("eth_getLogs", -32602, f"too wide: {params}")

    lab.policy.add(Always(Effect(asks=(refuse,))))
    with pytest.raises(RpcRefused, match=r"too wide: \[5\]") as refused:
        lab.client().call("eth_getLogs", [5])
    assert refused.value.code == -32602
    assert lab.upstream.requests == []


def test_an_error_answer_is_not_rewritten(lab: Proxied) -> None:
    """There is no result in it."""
    lab.upstream.answers["eth_call"] = b'{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"reverted"}}'
    lab.policy.add(Always(Effect(rewrites=(lambda result: "made up",))))
    with pytest.raises(RpcRefused, match="reverted"):
        lab.client().call("eth_call", [])


def test_transforms(lab: Proxied) -> None:
    """The body that arrives is another."""
    lab.policy.add(Always(Effect(transforms=(lambda body: body[: len(body) // 2],))))
    with pytest.raises(RpcMalformed):
        lab.client().call("eth_chainId", [])
    assert lab.upstream.methods() == ["eth_chainId"]


def test_a_huge_answer(lab: Proxied) -> None:
    """It carries the request's own id, as far as a client reads."""
    context = FaultContext(lab.chain._scheduler, {"polygon": lab.chain}, {"polygon": lab.policy}, None, 1)
    HugeResponseFault(context, "huge", HugeResponse(fault="huge_response", chain="polygon", mib=1)).inject()
    client = lab.client()
    for _ in range(2):
        assert len(client.call("eth_chainId", [])) == 2 + 1024 * 1024


def test_route(lab: Proxied) -> None:
    """Another chain's node answers; a transaction is that node's to take or to refuse."""
    with proxied() as other:
        lab.policy.add(Always(Effect(route=other.chain)))
        lab.client().call("eth_chainId", [])
        lab.client().call(SEND, [signed()])
        assert lab.upstream.methods() == []
        assert other.upstream.methods() == ["eth_chainId", SEND]
        assert lab.outcomes() == ["ok"]
        assert other.outcomes() == []
