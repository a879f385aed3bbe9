"""The HTTP transport against a server that misbehaves: a typed error each time, and the next call still works."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.rpc import HttpTransport, RpcFailure, RpcMalformed, RpcRefused, RpcTimeout, RpcUnavailable, transport
from lab.rpc.answers import parse_answer, parse_answers
from lab.rpc.deadline_socket import DeadlineSocket

from ..characters import ANY
from .hostile import Answer, echo, hang_up, http, reset, saying, saying_last, serving, stall, trickle

TIMEOUT_S = 0.3
PATIENCE_S = 600
ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def body(**answer: Any) -> bytes:
    """An HTTP answer with this JSON."""
    return http(json.dumps({"jsonrpc": "2.0"} | answer).encode())


def test_one_connection_serves_many_calls() -> None:
    """Keep-alive: ids count up, parameters arrive, one connection is opened."""
    with serving(echo) as server:
        client = HttpTransport(server.url, timeout_s=PATIENCE_S)
        assert client.call("a", [1, "x", {"y": None}]) == ["a", [1, "x", {"y": None}]]
        assert client.call("b", []) == ["b", []]
        assert [request["id"] for request in server.requests] == [1, 2]
        assert server.connections == 1


MISBEHAVIOUR: dict[str, tuple[Answer, type[RpcFailure], str]] = {
    "not JSON": (saying(http(b"<html>")), RpcMalformed, "expected JSON, got b'<html>'"),
    "nothing": (saying(http(b"")), RpcMalformed, "expected JSON"),
    "not UTF-8": (saying(http(b"\xff\xfe\xfd")), RpcMalformed, "expected JSON"),
    "nested too deeply": (saying(http(b"[" * 100_000)), RpcMalformed, "expected JSON"),
    "a list": (saying(http(b"[]")), RpcMalformed, "a JSON-RPC answer"),
    "neither result nor error": (saying(body(id=1)), RpcMalformed, "a JSON-RPC answer"),
    "an error of null and no result": (saying(body(id=1, error=None)), RpcMalformed, "a result or an error"),
    "the id of another": (saying(body(id=7, result=1)), RpcMalformed, "the answer to request 1"),
    "no id": (saying(body(result=1)), RpcMalformed, "the answer to request 1"),
    "an error of another": (saying(body(id=7, error={"code": 1})), RpcMalformed, "the answer to request 1"),
    "a text for an error": (saying(body(id=1, error="no")), RpcMalformed, "an error object"),
    "a list for an error": (saying(body(id=1, error=[1])), RpcMalformed, "an error object"),
    "not HTTP": (saying(b"SSH-2.0-x\r\n\r\n"), RpcUnavailable, "broke"),
    "a short body": (saying_last(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), RpcMalformed, "a JSON-RPC answer"),
    "a broken chunk": (saying(ENDLESS + b"zz\r\n"), RpcUnavailable, "broke"),
    "a header without end": (saying(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000), RpcUnavailable, "broke"),
    "reset": (reset, RpcUnavailable, "broke"),
    "hung up": (hang_up, RpcUnavailable, "broke"),
    "stalled": (stall, RpcTimeout, "no answer within 0.3 s"),
    "a trickle of body": (trickle(ENDLESS, b"1\r\nx\r\n", 0.05), RpcTimeout, "no answer within"),
    "a trickle of headers": (trickle(b"HTTP/1.1 200 OK\r\n", b"X", 0.05), RpcTimeout, "no answer within"),
    "to be continued": (trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05), RpcTimeout, "no answer within"),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_misbehaviour_is_a_typed_error_and_the_next_call_works(name: str) -> None:
    """None of it is definite: the node may have done what was asked. A trickle would never end by itself."""
    answer, error, words = MISBEHAVIOUR[name]
    with serving(answer, echo) as server:
        client = HttpTransport(server.url, timeout_s=PATIENCE_S)
        with pytest.raises(error, match=words) as caught:
            client.call("eth_sendRawTransaction", ["0x"], TIMEOUT_S if error is RpcTimeout else PATIENCE_S)
        assert not caught.value.definite
        assert str(caught.value).startswith("eth_sendRawTransaction: ")
        assert client.call("next", []) == ["next", []]


def test_an_endless_body_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """As much as is allowed is read, no more."""
    monkeypatch.setattr(transport, "ANSWER_BYTES_MAX", 100_000)
    with serving(trickle(ENDLESS, b"1000\r\n" + b" " * 4096 + b"\r\n", 0), echo) as server:
        client = HttpTransport(server.url, timeout_s=PATIENCE_S)
        with pytest.raises(RpcMalformed, match="at most 100000 bytes"):
            client.call("m", [])
        assert client.call("next", []) == ["next", []]


def test_an_answer_of_the_largest_size_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit itself is allowed."""
    answer = body(id=1, result="x" * 50).partition(b"\r\n\r\n")[2]
    monkeypatch.setattr(transport, "ANSWER_BYTES_MAX", len(answer))
    with serving(saying(http(answer))) as server:
        assert HttpTransport(server.url, timeout_s=PATIENCE_S).call("m", []) == "x" * 50


def test_a_slow_answer_within_the_deadline_passes() -> None:
    """The deadline is one of the whole call, not of each read."""
    whole = body(id=1, result="ok")

    def slowly(connection: socket.socket, request: dict[str, Any]) -> bool:
        for part in (whole[:10], whole[10:60], whole[60:]):
            time.sleep(0.05)
            connection.sendall(part)
        return True

    with serving(slowly) as server:
        assert HttpTransport(server.url, timeout_s=PATIENCE_S).call("m", []) == "ok"


def test_a_deadline_that_has_passed_is_a_time_out() -> None:
    """Even where bytes are waiting to be read."""
    near, far = socket.socketpair()
    reader = DeadlineSocket(fileno=near.detach())
    far.sendall(b"x")
    with far, reader, pytest.raises(TimeoutError):
        reader.recv_into(bytearray(1))


def test_the_timeout_of_one_call_is_its_own() -> None:
    """A short one does not shorten the next."""
    with serving(stall, echo) as server:
        client = HttpTransport(server.url, timeout_s=PATIENCE_S)
        with pytest.raises(RpcTimeout, match=r"no answer within 0\.1 s"):
            client.call("m", [], 0.1)
        assert client.call("m", []) == ["m", []]


def test_an_answer_that_closes_the_connection_is_followed_by_a_new_one() -> None:
    """`Connection: close` is no error."""
    answer = http(b'{"jsonrpc": "2.0", "id": 1, "result": 1}', headers="Connection: close\r\n")
    with serving(saying(answer), echo) as server:
        client = HttpTransport(server.url, timeout_s=PATIENCE_S)
        assert client.call("m", []) == 1
        assert client.call("n", []) == ["n", []]
        assert server.connections == 2


def test_nobody_listens() -> None:
    """A refused connection is definite: nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(RpcUnavailable, match=f"no connection to http://127.0.0.1:{port}") as caught:
        HttpTransport(f"http://127.0.0.1:{port}").call("m", [])
    assert caught.value.definite


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (body(id=1, error={"code": -32000, "message": "no", "data": "0x01"}), -32000, "no"),
        (body(id=None, error={"code": -32700, "message": "parse error"}), -32700, "parse error"),
        (body(id=1, result=None, error={"code": "x"}), 0, ""),
        (body(id=1, error={"message": "m" * 5000}), 0, "m" * 2000),
        (http(b"<html>", status="503 Busy"), 503, "HTTP 503: b'<html>'"),
        (http(b'{"message": "rate limited"}', status="429 Too Many"), 429, "HTTP 429"),
        (http(b'{"id": 1, "result": 5}', status="500 No"), 500, "HTTP 500"),
        (http(b'{"error": "Unauthorized"}', status="401 No"), 401, "HTTP 401"),
        (http(b'{"id": 1, "error": {"code": 3, "message": "r"}}', status="400 No"), 3, "r"),
    ],
)
def test_refusals(answer: bytes, code: int, reason: str) -> None:
    """A JSON-RPC error keeps its code; any other HTTP status is a refusal with that status."""
    with serving(saying(answer)) as server, pytest.raises(RpcRefused) as caught:
        HttpTransport(server.url, timeout_s=PATIENCE_S).call("m", [])
    assert (caught.value.code, caught.value.definite) == (code, True)
    assert caught.value.reason.startswith(reason)
    assert len(str(caught.value)) < 2100


@given(st.binary(max_size=200), st.sampled_from([200, 429, 500]))
def test_any_bytes_give_a_typed_error(data: bytes, status: int) -> None:
    """No parser's own error gets out."""
    with pytest.raises(RpcRefused if status != 200 else RpcMalformed):
        parse_answer("m", 1, status, b"#" + data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(ANY, max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "result", "error", "code", "message"]), inner, max_size=5)
    ),
    max_leaves=8,
)


@settings(max_examples=60)
@given(JSON)
def test_any_json_gives_a_result_or_a_typed_error(value: Any) -> None:
    """A result is only ever taken from an object with the id asked for and without an error."""
    try:
        result = parse_answer("m", 1, 200, json.dumps(value).encode())
    except RpcFailure:
        return
    assert value["id"] == 1
    assert value["result"] == result
    assert value.get("error") is None


def test_a_batch_has_its_results_in_the_order_of_its_requests() -> None:
    """Whatever order the node answers in; the next call goes on with the same connection."""
    answers = [{"jsonrpc": "2.0", "id": number, "result": f"of {number}"} for number in (2, 1)]
    with serving(saying(http(json.dumps(answers).encode()))) as server:
        assert HttpTransport(server.url, timeout_s=PATIENCE_S).batch("m", [["0x1"], ["0x2"]]) == ["of 1", "of 2"]
        requests: Any = server.requests[0]
        assert [request["params"] for request in requests] == [["0x1"], ["0x2"]]


def test_what_became_of_each_of_several_calls() -> None:
    """Results and refusals side by side, by their ids; a node's words about one are no failure of the others."""
    answers = [
        {"jsonrpc": "2.0", "id": 2, "error": {"code": 3, "message": "execution reverted", "data": "0x08"}},
        {"jsonrpc": "2.0", "id": 1, "result": "0x1"},
    ]
    with serving(saying(http(json.dumps(answers).encode()))) as server:
        taken, refused = HttpTransport(server.url, timeout_s=PATIENCE_S).many([("eth_a", []), ("eth_b", [])])
    assert taken == "0x1"
    assert isinstance(refused, RpcRefused)
    assert (refused.method, refused.code, refused.data) == ("eth_b", 3, "0x08")


@pytest.mark.parametrize(
    ("answer", "status", "error", "words"),
    [
        (b"[", 200, RpcMalformed, "expected JSON"),
        (b"[]", 200, RpcMalformed, "a JSON-RPC answer"),
        (b'[{"id": 1, "result": 1}]', 200, RpcMalformed, "a JSON-RPC answer"),
        (b'[{"id": [], "result": 1}, 7]', 200, RpcMalformed, "a JSON-RPC answer"),
        (b'{"id": 1, "result": 1}', 200, RpcMalformed, "the answer to request 2"),
        (b'[{"id": 2, "error": {"code": 5, "message": "no"}}, {"id": 1, "result": 1}]', 200, RpcRefused, "code 5: no"),
        (b'{"id": null, "error": {"code": -32600, "message": "no batches"}}', 200, RpcRefused, "no batches"),
        (b"<html>", 429, RpcRefused, "HTTP 429"),
    ],
)
def test_a_batch_that_fails(answer: bytes, status: int, error: type[RpcFailure], words: str) -> None:
    """One failure fails all of it, by the same errors as those of a single call."""
    with pytest.raises(error, match=words):
        parse_answers("m", [1, 2], status, answer)


def test_a_url_without_host_is_refused_at_once() -> None:
    """With the form that is expected."""
    with pytest.raises(ValueError, match="expected a URL like http://"):
        HttpTransport("localhost:8545")


def test_an_answer_of_very_many_values_is_refused_before_it_is_parsed() -> None:
    """Thirty MB of empty lists would take seven hundred in memory."""
    with pytest.raises(RpcMalformed, match="at most 500000 values"):
        parse_answer("eth_getLogs", 1, 200, b'{"id": 1, "result": [' + b"[]," * 500_000 + b"1]}")
