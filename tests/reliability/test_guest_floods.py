"""A guest that floods the proxy in front of the nodes, on a hundred connections: under 300 MB, others are answered."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from lab.errors import LabError
from tests.unit.faults.proxied import proxied
from tests.unit.faults.upstream import Upstream

from .figures import Trials
from .test_full_size import measured

pytestmark = pytest.mark.reliability

MB = 1 << 20
CONNECTIONS = 100
HEAD = b"POST /polygon HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
CALL = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":['
TEXT, VALUES = b"v" * MB, b"[]," * (MB // 3)
LOGS = b'{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{}]}'
LOGS_FOUND = b'{"jsonrpc":"2.0","id":1,"result":["' + bytes(b"v" * (10 * MB)) + b'"]}'
PACKED = gzip.compress(bytes(200 * MB), 1)


def sized(client: socket.socket, head: bytes, *parts: bytes) -> None:
    client.sendall(head + b"Content-Length: %d\r\n\r\n" % sum(map(len, parts)))
    for part in parts:
        client.sendall(part)
    client.recv(100)


def chunked(client: socket.socket, head: bytes) -> None:
    """A body that is not ended, of small pieces."""
    client.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(4_900):
        client.sendall(b"400\r\n" + b"v" * 1024 + b"\r\n")


def fields(client: socket.socket, head: bytes) -> None:
    client.sendall(head)
    for _ in range(1_000):
        client.sendall(b"X: v\r\n" * 10_000)


def long_header(client: socket.socket, head: bytes) -> None:
    """Sent from the one text: a copy for each guest would count as memory of the proxy's."""
    client.sendall(head + b"X: ")
    client.sendall(TEXT)
    client.sendall(b"\r\n\r\n")
    client.recv(100)


def asked(client: socket.socket, head: bytes, body: bytes) -> None:
    """What is answered is not read, but for its first bytes."""
    client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    client.recv(100)
    time.sleep(3)


FLOODS: dict[str, Callable[[socket.socket, bytes], None]] = {
    "bodies that do not end": chunked,
    "long bodies": lambda client, head: sized(client, head, CALL, b'"', *[TEXT] * 4, b'"]}'),
    "many values": lambda client, head: sized(client, head, CALL, *[VALUES] * 4, b"1]}"),
    "packed bodies": lambda client, head: sized(client, head + b"Content-Encoding: gzip\r\n", PACKED),
    "many headers": fields,
    "a long header": long_header,
    "long answers": lambda client, head: asked(client, head, LOGS),
    "batches of long answers": lambda client, head: asked(client, head, b"[" + b",".join([LOGS] * 100) + b"]"),
}


@pytest.fixture(scope="module")
def node() -> Iterator[Upstream]:
    """In the process of the tests: what a node takes is not the proxy's."""
    upstream = Upstream()
    upstream.answers["eth_getLogs"] = LOGS_FOUND
    yield upstream
    upstream.close()


def flooded(flood: Callable[[socket.socket, bytes], None], node: Upstream) -> None:
    """One proxy, one flood; then another client is answered."""
    with proxied(node) as lab:
        port = int(lab.proxy.url("polygon").split(":")[2].partition("/")[0])

        def one() -> None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 10) as client:
                flood(client, HEAD % port)

        guests = [threading.Thread(target=one, daemon=True) for _ in range(CONNECTIONS)]
        for guest in guests:
            guest.start()
        for guest in guests:
            guest.join(30)
        try:
            assert lab.client().call("eth_chainId", []) == "answer to eth_chainId"
        except LabError as error:
            raise AssertionError from error


@pytest.mark.parametrize("flood", FLOODS)
def test_a_guest_that_floods_the_proxy(flood: str, node: Upstream, trials: Trials) -> None:
    """In a process of its own, with the guest in it."""
    trouble, took = measured(lambda: flooded(FLOODS[flood], node))
    trials.add(findings=bool(trouble), peak_mb=took)
    assert not trouble
