"""The HTTP fault proxy before a stand-in node: every effect on single calls, batches, what is recorded of sends."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from lab.faults.transport import carrier
from lab.faults.transport.policy import Effect, Refusal
from lab.rpc import RpcFailure, RpcRefused, RpcTimeout, RpcUnavailable
from tests.unit.faults.proxied import Always, Proxied, proxied, signed
from tests.waiting import eventually

SEND = "eth_sendRawTransaction"
SYNC = "eth_sendRawTransactionSync"
SHORT_S = 0.3


@pytest.fixture
def lab() -> Iterator[Proxied]:
    with proxied() as parts:
        yield parts


def post(lab: Proxied, body: bytes, path: str = "/polygon", method: str = "POST", **headers: str) -> tuple[int, bytes]:
    """A request with everything in the caller's hands."""
    parts = urlsplit(lab.proxy.url("polygon"))
    connection = http.client.HTTPConnection("127.0.0.1", parts.port or 0, timeout=600)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def call(method: str, *params: Any, request_id: Any = 1) -> dict[str, Any]:
    """A JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": list(params)}


def test_answers_pass_unchanged(lab: Proxied) -> None:
    """Without faults the node's answer arrives, and the node saw the request as it was sent."""
    assert lab.client().call("eth_call", [{"to": "0x1"}, "latest"]) == "answer to eth_call"
    assert lab.upstream.requests == [call("eth_call", {"to": "0x1"}, "latest")]


def test_a_refusal_answers_for_the_node(lab: Proxied) -> None:
    """A refused call gets the rule's error and never reaches the node; other methods do."""
    lab.policy.add(Always(Effect(refusal=Refusal(-32005, "limit exceeded")), "eth_getLogs"))
    client = lab.client()
    with pytest.raises(RpcRefused, match="limit exceeded") as refused:
        client.call("eth_getLogs", [])
    assert refused.value.code == -32005
    client.call("eth_chainId", [])
    assert lab.upstream.methods() == ["eth_chainId"]


def test_a_refusal_with_a_status_is_no_json(lab: Proxied) -> None:
    """With an HTTP status the whole answer is that status, and a send is recorded as failed."""
    lab.policy.add(Always(Effect(refusal=Refusal(-32005, "overloaded", http_status=503))))
    assert post(lab, json.dumps(call(SEND, signed())).encode()) == (503, b"overloaded")
    assert lab.upstream.requests == []
    assert lab.outcomes() == ["fail"]


def test_calls_are_counted_and_those_that_are_too_many(lab: Proxied) -> None:
    """Each call of a batch; an error or a status that is about something else is no limit."""
    client = lab.client()
    client.call("eth_chainId", [])
    assert lab.proxy.counts == {"polygon": (1, 0)}
    for refusal in (Refusal(-32005, "limit exceeded"), Refusal(0, "too many", 429), Refusal(-32000, "other", 503)):
        rule = Always(Effect(refusal=refusal), "eth_call")
        lab.policy.add(rule)
        post(lab, json.dumps([call("eth_call"), call("eth_call"), call("eth_chainId")]).encode())
        lab.policy.remove(rule)
    assert lab.proxy.counts == {"polygon": (10, 4)}


def test_a_delayed_request_arrives_after_its_client_gave_up(lab: Proxied) -> None:
    """A delay beyond the client's patience ends in a timeout there, and still in a transaction at the node."""
    lab.policy.add(Always(Effect(delay_ms=round(SHORT_S * 4000))))
    with pytest.raises(RpcTimeout):
        lab.client(SHORT_S).call(SEND, [signed()])
    eventually(lambda: lab.upstream.methods() == [SEND], "the request at the node")
    eventually(lambda: lab.outcomes() == ["info"], "a send without a known outcome")


def test_a_lost_reply_is_a_request_that_was_forwarded(lab: Proxied) -> None:
    """The node takes the transaction, the client hears nothing, and the producer is told to look into the pool."""
    lab.policy.add(Always(Effect(lose_reply=True), SEND))
    with pytest.raises(RpcTimeout):
        lab.client(SHORT_S).call(SEND, [signed()])
    eventually(lambda: lab.upstream.methods() == [SEND], "the request at the node")
    eventually(lambda: lab.outcomes() == ["info"], "a send without a known outcome")
    eventually(lambda: lab.chain.producer.pool_may_hold, "a look into the pool")
    assert lab.submits.any_unmined()


def test_a_refusal_may_be_lost_as_well(lab: Proxied) -> None:
    """Who never hears of a refusal cannot know that nothing happened."""
    lab.policy.add(Always(Effect(refusal=Refusal(-32005, "overloaded", http_status=503))))
    lab.policy.add(Always(Effect(lose_reply=True)))
    with pytest.raises(RpcTimeout):
        lab.client(SHORT_S).call(SEND, [signed()])
    eventually(lambda: lab.outcomes() == ["info"], "a send without a known outcome")
    assert lab.upstream.requests == []


def test_a_dead_node_resets_the_connection(lab: Proxied) -> None:
    """While the node is down its clients lose their connections; the request certainly had no effect."""
    lab.chain.condition = "down"
    with pytest.raises(RpcUnavailable):
        lab.client().call(SEND, [signed()])
    assert lab.upstream.requests == []
    assert lab.chain.blocked_calls == 1
    assert lab.outcomes() == ["fail"]


def test_a_frozen_node_keeps_what_it_was_sent(lab: Proxied) -> None:
    """A request hangs in a frozen node, and takes effect when the node goes on although the client has left."""
    lab.chain.condition = "paused"
    lab.upstream.frozen.set()
    with pytest.raises(RpcTimeout):
        lab.client(SHORT_S).call(SEND, [signed()])
    eventually(lambda: lab.chain.blocked_calls == 1, "a request that hangs")
    eventually(lambda: lab.outcomes() == ["info"], "a send without a known outcome")
    assert not lab.chain.producer.pool_may_hold
    lab.upstream.resumed.set()
    eventually(lambda: lab.chain.producer.pool_may_hold, "the transaction in the node")
    assert lab.outcomes() == ["info"]


def test_a_node_that_breaks_off_leaves_the_outcome_open(lab: Proxied) -> None:
    """A node gone without notice is a lost connection for the client, and for a send certainly no effect."""
    lab.upstream.close()
    with pytest.raises(RpcFailure):
        lab.client().call(SEND, [signed()])
    assert lab.outcomes() == ["fail"]


def test_what_is_under_way_at_the_end_is_recorded(lab: Proxied) -> None:
    """Closing the proxy ends requests that still hang, and their sends are on record when it returns."""
    lab.chain.condition = "paused"
    lab.upstream.frozen.set()
    errors: list[RpcFailure] = []

    def wait() -> None:
        try:
            lab.client().call(SEND, [signed()])
        except RpcFailure as failure:
            errors.append(failure)

    waiting = threading.Thread(target=wait)
    waiting.start()
    eventually(lambda: lab.chain.blocked_calls == 1, "the request at the node")
    lab.proxy.close()
    assert lab.outcomes() == ["info"]
    waiting.join()
    assert len(errors) == 1


def test_a_send_is_recorded_as_decoded(lab: Proxied) -> None:
    """An accepted send leaves sender, nonce, function and fee on record, without the relayer's help."""
    lab.client().call(SEND, [signed(nonce=7)])
    (submit,) = lab.submitted()
    assert (submit.chain, submit.nonce, submit.function, submit.outcome) == ("polygon", 7, "pause", "ok")
    assert submit.error is None
    assert submit.max_fee_per_gas == 250_000_000_000


def test_a_send_that_the_node_refuses_failed(lab: Proxied) -> None:
    """The node's own error reaches the client and the record, and nothing was handed over."""
    refusal = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32003, "message": "nonce too low"}}
    lab.upstream.answers[SEND] = json.dumps(refusal).encode()
    with pytest.raises(RpcRefused, match="nonce too low"):
        lab.client().call(SEND, [signed()])
    assert lab.outcomes() == ["fail"]
    assert "nonce too low" in (lab.submitted()[0].error or "")
    assert not lab.chain.producer.pool_may_hold


@pytest.mark.parametrize(
    "params",
    [[], ["0xabcdef"], ["hello"], [5], [[2, 248]], ["0x03" + "00" * 40], ["0x7e" + "c0" * 9], ["0x"], {"raw": "0x"}],
)
def test_what_is_no_transaction_of_the_network_reaches_no_node(lab: Proxied, params: Any) -> None:
    """Types that it does not have, arrays of numbers, parameters by name."""
    for method in (SEND, SYNC):
        _, body = post(lab, json.dumps({**call(method), "params": params}).encode())
        assert "not supported" in body.decode() or "expected a signed transaction" in body.decode()
    assert (lab.submitted(), lab.upstream.requests) == ([], [])
    assert [record.type for record in lab.recorder.records] == ["note"]


def test_a_batch_is_answered_call_by_call(lab: Proxied) -> None:
    """Answers keep the order and the ids of their calls; pool rules and refusals act on each call alone."""
    lab.policy.add(Always(Effect(refusal=Refusal(-32005, "limit exceeded")), "eth_getLogs"))
    batch = [
        call(SEND, signed(0), request_id="first"),
        call("eth_getLogs", request_id=2),
        call(SEND, signed(1, tip=1), request_id=3),
        call("eth_chainId", request_id=4),
    ]
    status, body = post(lab, json.dumps(batch).encode())
    answers = json.loads(body)
    assert status == 200
    assert [answer["id"] for answer in answers] == ["first", 2, 3, 4]
    assert [answer.get("error", {}).get("code") for answer in answers] == [None, -32005, -32000, None]
    assert "gas tip cap 1" in answers[2]["error"]["message"]
    assert lab.upstream.methods() == [SEND, "eth_chainId"]
    assert [(submit.nonce, submit.outcome) for submit in lab.submitted()] == [(0, "ok"), (1, "fail")]


def test_a_batch_with_a_lost_reply_is_lost_as_a_whole(lab: Proxied) -> None:
    """One lost reply loses the batch's answer, and all of the batch was forwarded."""
    lab.policy.add(Always(Effect(lose_reply=True), "eth_chainId"))
    client = lab.client(SHORT_S)
    with pytest.raises((OSError, http.client.HTTPException)):  # noqa: PT012 - the connection is closed as well
        parts = urlsplit(client.url.reveal())
        connection = http.client.HTTPConnection("127.0.0.1", parts.port or 0, timeout=SHORT_S)
        connection.request("POST", parts.path, json.dumps([call("eth_chainId"), call(SEND, signed())]))
        try:
            connection.getresponse()
        finally:
            connection.close()
    eventually(lambda: lab.outcomes() == ["info"], "a send without a known outcome")
    eventually(lambda: lab.upstream.methods() == ["eth_chainId", SEND], "the whole batch at the node")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{not json", -32700),
        (b"[" * 100_000, -32700),
        (b"\xff\xfe", -32700),
        (b"[]", -32600),
        (b'"text"', -32600),
        (b'{"id": 1}', -32600),
        (b'{"id": 1, "method": 5}', -32600),
        (b'[{"id": 1, "method": "eth_chainId"}, 7]', -32600),
        (json.dumps([{"id": 1, "method": "eth_chainId"}] * 1001).encode(), -32600),
    ],
)
def test_what_is_no_request_gets_an_error(lab: Proxied, body: bytes, code: int) -> None:
    """Malformed bodies get JSON-RPC's own errors, the node is spared, and the proxy goes on."""
    status, answer = post(lab, body)
    assert (status, json.loads(answer)["error"]["code"], json.loads(answer)["id"]) == (200, code, None)
    assert lab.upstream.requests == []
    assert lab.client().call("eth_chainId", []) == "answer to eth_chainId"


def test_a_body_beyond_the_limit_is_not_read(lab: Proxied) -> None:
    """More than a node would take is refused with the HTTP status for it."""
    status, _ = post(lab, b'{"id": 1, "method": "m", "params": ["' + b"0" * (6 * 1024 * 1024) + b'"]}')
    assert status == 413
    assert lab.upstream.requests == []


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "localhost"}, {"Origin": "http://evil.example"}, {"Origin": "null"}],
)
def test_web_pages_do_not_get_through(lab: Proxied, headers: dict[str, str]) -> None:
    """A foreign Host (a rebound name) or any Origin is forbidden, before anything else is looked at."""
    for path in ("/polygon", "/nowhere"):
        status, _ = post(lab, json.dumps(call("eth_chainId")).encode(), path, **headers)
        assert status == 403
    assert lab.upstream.requests == []


def test_only_the_chains_have_a_path(lab: Proxied) -> None:
    """Another path is not found and says which there are; another verb than POST is not allowed."""
    status, body = post(lab, b"{}", "/optimism")
    assert (status, b"/polygon" in body) == (404, True)
    assert post(lab, b"", "/polygon", "GET")[0] == 405


def test_an_answer_without_end_is_not_held(lab: Proxied, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer beyond the limit becomes an error, and the proxy goes on."""
    monkeypatch.setattr(carrier, "ANSWER_BYTES_MAX", 100)
    lab.upstream.answers["eth_getLogs"] = json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0" * 1000}).encode()
    client = lab.client()
    with pytest.raises(RpcRefused, match="longer than 100 bytes"):
        client.call("eth_getLogs", [])
    assert client.call("eth_chainId", []) == "answer to eth_chainId"
