"""What HTTP allows in front of JSON-RPC: forms of the path, of the body and of the connection that SDKs really use."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from lab.faults.transport.policy import Effect, Refusal
from lab.model.records import Note

from .proxied import Always, Proxied, proxied, signed
from .test_proxy import call, post

CHAIN_ID = json.dumps(call("eth_chainId")).encode()


@pytest.fixture
def lab() -> Iterator[Proxied]:
    with proxied() as parts:
        yield parts


def port(lab: Proxied) -> int:
    return urlsplit(lab.proxy.url("polygon")).port or 0


def exchanged(lab: Proxied, *parts: bytes, answers: int = 1) -> bytes:
    """All that comes back over one connection for the bytes given, until so many answers have come."""
    with socket.create_connection(("127.0.0.1", port(lab)), 20) as connection:
        for part in parts:
            connection.sendall(part)
        told = b""
        while told.count(b"answer to") < answers and (more := connection.recv(65536)):
            told += more
        return told


@pytest.mark.parametrize(
    "path",
    ["/polygon", "/polygon/", "/polygon//", "//polygon", "/polygon?key=1", "/polygon/?a=b#c", "/Polygon", "/POLYGON/",
     "/%70olygon", "http://127.0.0.1:PORT/polygon/"],
)  # fmt: skip
def test_one_endpoint_in_many_spellings(lab: Proxied, path: str) -> None:
    """A slash, a query or a case make no other endpoint of it, as none of a real node's."""
    status, body = post(lab, CHAIN_ID, path.replace("PORT", str(port(lab))))
    assert (status, json.loads(body)["result"]) == (200, "answer to eth_chainId")
    assert lab.proxy.never_asked() == []


@pytest.mark.parametrize("path", ["/", "/polygon/v1", "/poly", "/polygon/polygon", "/..%2fpolygon"])
def test_another_path_is_named_with_those_there_are(lab: Proxied, path: str) -> None:
    """And kept for the message about a relayer that never polled."""
    status, body = post(lab, CHAIN_ID, path)
    assert (status, b"/polygon" in body) == (404, True)
    assert any("expected one of the paths /polygon" in told for told in lab.proxy.turned_away)
    assert lab.proxy.never_asked() == ["polygon"]


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/plain", "application/x-foo", ""])
def test_the_content_type_does_not_matter(lab: Proxied, content_type: str) -> None:
    """What is JSON is read as JSON."""
    status, body = post(lab, CHAIN_ID, **{"Content-Type": content_type})
    assert (status, json.loads(body)["result"]) == (200, "answer to eth_chainId")


def test_a_compressed_body(lab: Proxied) -> None:
    """Some clients compress what they send; bytes that are not what they say are refused, and the proxy goes on."""
    for encoding, body in (("gzip", gzip.compress(CHAIN_ID)), ("identity", CHAIN_ID)):
        status, answer = post(lab, body, **{"Content-Encoding": encoding})
        assert (status, json.loads(answer)["result"]) == (200, "answer to eth_chainId")
    assert post(lab, CHAIN_ID, **{"Content-Encoding": "gzip"})[0] == 400
    assert post(lab, CHAIN_ID)[0] == 200


def test_a_body_in_chunks(lab: Proxied) -> None:
    """Nobody has to say a length."""
    head = f"POST /polygon HTTP/1.1\r\nHost: 127.0.0.1:{port(lab)}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    half = len(CHAIN_ID) // 2
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (CHAIN_ID[:half], CHAIN_ID[half:])]
    assert b"answer to eth_chainId" in exchanged(lab, head, *chunks, b"0\r\n\r\n")


def test_a_client_that_asks_before_it_sends(lab: Proxied) -> None:
    """`Expect: 100-continue`, as curl has it for long bodies."""
    head = (
        f"POST /polygon HTTP/1.1\r\nHost: 127.0.0.1:{port(lab)}\r\nExpect: 100-continue\r\n"
        f"Content-Length: {len(CHAIN_ID)}\r\n\r\n"
    ).encode()
    told = exchanged(lab, head, CHAIN_ID)
    assert told.startswith(b"HTTP/1.1 100")
    assert b"answer to eth_chainId" in told


@pytest.mark.parametrize("host", ["", "Host: 127.0.0.1:PORT\r\n", "Host: LocalHost:PORT\r\n"])
def test_http_1_0_with_and_without_a_host(lab: Proxied, host: str) -> None:
    """Old clients name no host, and no browser is among them."""
    head = f"POST /polygon HTTP/1.0\r\n{host}Content-Length: {len(CHAIN_ID)}\r\n\r\n".replace("PORT", str(port(lab)))
    assert b"answer to eth_chainId" in exchanged(lab, head.encode() + CHAIN_ID)


def test_requests_one_behind_the_other(lab: Proxied) -> None:
    """Pipelined on one connection: each is answered, in order."""
    one = f"POST /polygon/ HTTP/1.1\r\nHost: 127.0.0.1:{port(lab)}\r\nContent-Length: {len(CHAIN_ID)}\r\n\r\n".encode()
    other = one.replace(str(len(CHAIN_ID)).encode() + b"\r\n\r\n", b"")
    second = json.dumps(call("net_version", request_id=2)).encode()
    told = exchanged(lab, one + CHAIN_ID + other + b"%d\r\n\r\n" % len(second) + second, answers=2)
    assert told.index(b"answer to eth_chainId") < told.index(b"answer to net_version")


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PUT", "DELETE", "HEAD"])
def test_another_verb_is_named(lab: Proxied, method: str) -> None:
    """JSON-RPC is a POST, and the answer says so."""
    status, body = post(lab, b"", "/polygon/", method)
    assert status == 405
    assert method == "HEAD" or b"expected JSON-RPC over HTTP POST" in body


def test_a_websocket_is_refused_by_name_and_on_record(lab: Proxied) -> None:
    """A relayer that only knows websockets hears why it gets none, and so does who reads the history."""
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "x" * 22 + "==",
               "Sec-WebSocket-Version": "13"}  # fmt: skip
    status, body = post(lab, b"", "/polygon", "GET", **upgrade)
    assert (status, b"websockets are not supported by the lab" in body) == (405, True)
    assert [note.text for note in lab.recorder.records if isinstance(note, Note)] == [body.decode()]


def test_a_large_batch(lab: Proxied) -> None:
    """As many calls as a node takes, answered in order."""
    lab.policy.add(Always(Effect(refusal=Refusal(-32005, "limit exceeded"))))
    batch = [call("eth_chainId", request_id=number) for number in range(1000)]
    status, body = post(lab, json.dumps(batch).encode())
    assert (status, [answer["id"] for answer in json.loads(body)]) == (200, list(range(1000)))


def test_a_long_answer_is_whole(lab: Proxied) -> None:
    """It goes to its client in pieces; whether it keeps the connection or not."""
    lab.upstream.results["eth_getLogs"] = ["v" * 1_000] * 3_000
    logs = json.dumps(call("eth_getLogs", {})).encode()
    status, body = post(lab, logs)
    assert (status, json.loads(body)["result"]) == (200, ["v" * 1_000] * 3_000)
    client = lab.client()
    assert [len(client.call(name, [{}])) for name in ("eth_getLogs", "eth_chainId", "eth_getLogs")] == [
        3_000,
        21,
        3_000,
    ]


def test_a_batch_of_long_answers_ends(lab: Proxied, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Geth has it: what comes behind so many bytes is refused, and not asked; a send among it is not on record."""
    monkeypatch.setattr("lab.faults.transport.carrier.BATCH_BYTES_MAX", 1_000)
    lab.upstream.results["eth_getLogs"] = ["v" * 2_000]
    batch = [call("eth_getLogs", {}), call("eth_chainId"), call("eth_sendRawTransaction", signed(0))]
    _, body = post(lab, json.dumps(batch).encode())
    codes = [answer.get("error", {}).get("code") for answer in json.loads(body)]
    assert codes == [None, -32003, -32003]
    assert lab.upstream.methods() == ["eth_getLogs"]
    assert lab.outcomes() == ["fail"]


def test_answers_beside_each_other_are_bounded(lab: Proxied, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would exceed the memory for them is turned away; once it is free others are answered."""
    monkeypatch.setattr("lab.faults.transport.bodies.ANSWERS_BYTES_MAX", 1_500)
    lab.upstream.results["eth_getLogs"] = ["v" * 2_000]
    for _ in range(2):
        status, body = post(lab, json.dumps(call("eth_getLogs", {})).encode())
        assert (status, body) == (503, b"expected answers under way of at most 1500 bytes together, got more")
        assert post(lab, CHAIN_ID)[0] == 200
    assert any("answers under way" in told for told in lab.proxy.turned_away)
