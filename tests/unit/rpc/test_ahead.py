"""Calls that are handed over ahead: their answers come in order, and no later call takes one of them for its own."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from lab.rpc import HttpTransport, RpcMalformed, RpcRefused, RpcTimeout, RpcUnavailable

from .hostile import Answer, echo, http, saying, saying_last, serving

CALLS: list[tuple[str, list[Any]]] = [("first", []), ("second", [2]), ("third", [])]
REFUSED = {"error": {"code": -32000, "message": "no"}}


def answers(*given: Any) -> bytes:
    """Responses to the requests 1, 2, ...: results, or error answers."""
    bodies = [
        {"jsonrpc": "2.0", "id": number, **(answer if isinstance(answer, dict) else {"result": answer})}
        for number, answer in enumerate(given, start=1)
    ]
    return b"".join(http(json.dumps(body).encode()) for body in bodies)


@pytest.mark.parametrize("size", [1, 60, 100_000])
def test_in_order_however_they_arrive(size: int) -> None:
    """In one piece, or cut anywhere."""
    data = answers("one", "x" * 300, ["three"])

    def in_parts(connection: socket.socket, request: dict[str, Any]) -> bool:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(data), size):
            connection.sendall(data[start : start + size])
            time.sleep(0)
        return True

    with serving(in_parts, echo) as server:
        client = HttpTransport(server.url, timeout_s=600)
        assert client.ahead(CALLS).results() == ["one", "x" * 300, ["three"]]
        assert client.call("m", [4]) == ["m", [4]]
        assert server.connections == 1


def test_a_call_comes_after_all_that_was_handed_over() -> None:
    """It reads the answers before its own."""
    with serving(saying(answers("one", "two", "three")), echo) as server:
        client = HttpTransport(server.url, timeout_s=600)
        ahead = client.ahead(CALLS)
        assert client.call("m", []) == ["m", []]
        assert ahead.results() == ["one", "two", "three"]


def test_a_refusal_is_of_one_call() -> None:
    """Those after it are answered, and the connection stays."""
    with serving(saying(answers("one", REFUSED, "three")), echo) as server:
        client = HttpTransport(server.url, timeout_s=600)
        ahead = client.ahead(CALLS)
        assert client.call("m", []) == ["m", []]
        with pytest.raises(RpcRefused, match="second"):
            ahead.results()
        assert ahead.answers == ["one", None, "three"]
        assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (saying_last(answers("one")), RpcUnavailable),
        (saying_last(answers("one", "two")[:-3]), RpcMalformed),
        (saying(answers("one", "two", "three").replace(b'"id": 2', b'"id": 7')), RpcMalformed),
        (saying(answers("one", "two", "three").replace(b"HTTP/1.1 200", b"HTTP/1.0 200", 1)), RpcUnavailable),
    ],
)
def test_where_an_answer_is_missing_all_is_said_to_fail(answer: Answer, failure: type[Exception]) -> None:
    """Whoever waits hears of it, and so does the next call; the one after that has a connection of its own."""
    with serving(answer, echo) as server:
        client = HttpTransport(server.url, timeout_s=600)
        ahead = client.ahead(CALLS)
        with pytest.raises(failure):
            client.call("m", [])
        with pytest.raises(failure):
            ahead.results()
        assert client.call("m", []) == ["m", []]
        assert server.connections == 2


def test_a_call_with_a_limit_of_its_own_waits_no_longer_for_what_comes_before_it() -> None:
    """Not the limit of the transport: it bounds the whole call."""
    with serving(saying(answers("one"))) as server:
        client = HttpTransport(server.url, timeout_s=600)
        ahead = client.ahead(CALLS)
        with pytest.raises(RpcTimeout, match=r"(first|second): no answer within 0\.5 s"):
            client.call("m", [], timeout_s=0.5)
        with pytest.raises(RpcTimeout):
            ahead.results()


def test_what_was_not_read_fails_when_the_connection_is_closed() -> None:
    """There is no answer any more."""
    with serving(saying(answers("one", "two", "three"))) as server:
        client = HttpTransport(server.url, timeout_s=600)
        ahead = client.ahead(CALLS)
        client.close()
        with pytest.raises(RpcUnavailable, match="closed"):
            ahead.results()


def test_no_connection_is_said_by_the_results() -> None:
    """Handing over raises nothing."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        ahead = HttpTransport(f"http://127.0.0.1:{nobody.getsockname()[1]}").ahead(CALLS)
    with pytest.raises(RpcUnavailable, match="no connection"):
        ahead.results()


def test_through_a_proxy_each_waits_for_its_answer() -> None:
    """Nothing is handed over ahead; a refusal is raised where the results are asked for."""
    with serving(saying(answers("one")), echo, echo) as server:
        client = HttpTransport(server.url, pipelined=False, timeout_s=600)
        ahead = client.ahead(CALLS)
        assert ahead.answers == ["one", ["second", [2]], ["third", []]], "before anybody asks for them"
        assert ahead.results() == ahead.answers
    with serving(saying(answers(REFUSED)), echo) as server, pytest.raises(RpcRefused, match="first"):
        HttpTransport(server.url, pipelined=False, timeout_s=600).ahead(CALLS).results()
