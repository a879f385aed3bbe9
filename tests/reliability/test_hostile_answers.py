"""Servers that answer without end: in headers, in bodies, packed, in places; each client of the lab takes under 300 MB.

What a client ends with is an answer, or an error of one short line.
"""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lab.chains.engine.client import connect
from lab.chains.nodes.backend import ask
from lab.commands.monitor.exporting import _answers
from lab.errors import LabError
from lab.live.results.services import _read
from lab.live.verify.client import Web
from lab.model.redacted import RedactedUrl
from lab.monitor.servers import Server
from lab.ops.procedures.maintenance import _call
from lab.rpc import HttpTransport
from lab.safe.service import TransactionService

from .figures import Trials
from .test_full_size import chosen, measured

pytestmark = pytest.mark.reliability

MB = 1 << 20
SIZE_MB = 400
LINE = b"v" * 60_000
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def body(head: bytes) -> Iterator[bytes]:
    yield head + b"Content-Length: %d\r\n\r\n" % (SIZE_MB * MB)
    yield from (b"v" * MB for _ in range(SIZE_MB))


def packed(head: bytes) -> Iterator[bytes]:
    """Of zeros, a thousandth of what it becomes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    content = b"".join(packer.compress(bytes(MB)) for _ in range(SIZE_MB)) + packer.flush()
    yield head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(content) + content


def line(head: bytes) -> Iterator[bytes]:
    yield head
    yield from (b"v" * MB for _ in range(SIZE_MB))


def fields(head: bytes) -> Iterator[bytes]:
    yield head
    yield from (b"X-%d: %s\r\n" % (number, LINE) for number in range(SIZE_MB * 16))
    yield b"\r\n"


def values(head: bytes) -> Iterator[bytes]:
    count = 15 * MB // 3
    yield head + b"Content-Length: %d\r\n\r\n[" % (3 * count + 3) + b"[]," * count + b"1]"


def chunks(head: bytes) -> Iterator[bytes]:
    yield head + b"Transfer-Encoding: chunked\r\n\r\n"
    yield from (b"100000\r\n" + b"v" * MB + b"\r\n" for _ in range(SIZE_MB))


ANSWERS: dict[str, Callable[[], Iterator[bytes]]] = {
    "a long body": lambda: body(OK),
    "a long body of an error": lambda: body(b"HTTP/1.1 500 Broken\r\n"),
    "a long body of a redirect": lambda: body(b"HTTP/1.1 302 Found\r\nLocation: /more\r\n"),
    "a body packed": lambda: packed(OK),
    "many values": lambda: values(OK),
    "many chunks": lambda: chunks(OK),
    "a long chunk's head": lambda: line(OK + b"Transfer-Encoding: chunked\r\n\r\n2;"),
    "many trailers": lambda: fields(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"),
    "a long status line": lambda: line(b"HTTP/1.1 200 "),
    "a long header": lambda: line(OK + b"X: "),
    "many headers": lambda: fields(OK),
    "many answers before the last": lambda: iter([b"HTTP/1.1 100 Continue\r\nX: " + LINE + b"\r\n\r\n"] * 2_000),
}
CLIENTS: dict[str, Callable[[str], object]] = {
    "node": lambda url: HttpTransport(url).call("eth_chainId", []),
    "node, ahead": lambda url: HttpTransport(url).ahead([("eth_chainId", [])] * 2).results(),
    "node at its start": lambda url: ask(int(url.rpartition(":")[2]), "eth_chainId"),
    "service of a deployment": lambda url: _read([url]),
    "explorer": lambda url: Web("explorer", url).ask("GET", "/"),
    "Safe service": lambda url: TransactionService(RedactedUrl(url))._ask("GET", "/"),
    "Prometheus": lambda url: Server(url).get("/"),
    "Prometheus, ready": lambda url: Server(url).ready(),
    "Alertmanager": lambda url: _call(url, "GET", "/", None),
    "relayer's address": lambda url: _answers(url)(),
    "Docker engine": lambda url: connect(),
}


def serve(listener: socket.socket, answer: Callable[[], Iterator[bytes]]) -> None:
    """Until the listener is closed."""

    def one(client: socket.socket) -> None:
        with client, suppress(OSError):
            client.settimeout(60)
            client.recv(1 << 16)
            for part in answer():
                client.sendall(part)
            client.shutdown(socket.SHUT_WR)
            client.recv(1)

    with suppress(OSError):
        while True:
            threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()


def test_answers_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trials: Trials) -> None:
    """Every client takes each answer in turn."""
    troubles = []
    for title, _ in chosen([f"{client}: {answer}" for client in CLIENTS for answer in ANSWERS], 40, "answers"):
        client, _, answer = title.partition(": ")
        path = tmp_path / "engine.sock"
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as engine:
            engine.bind(str(path))
            engine.listen()
            monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
            for each in (listener, engine):
                threading.Thread(target=serve, args=(each, ANSWERS[answer]), daemon=True).start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            trouble, took = measured(lambda call=CLIENTS[client], url=url: called(call, url))  # type: ignore[misc]
            for each in (listener, engine):
                each.shutdown(socket.SHUT_RDWR)
        path.unlink()
        trials.add(findings=bool(trouble), peak_mb=took)
        troubles += [f"{title}: {trouble}"] if trouble else []
    assert not troubles, "\n".join(troubles)


def called(call: Callable[[str], object], url: str) -> None:
    """What a client raises is of the lab, or what its callers make words of; and short."""
    said = ""
    try:
        call(url)
    except (LabError, OSError) as error:
        said = str(error)
    assert len(said) < 2_000
