"""A tiny HTTP server that answers as badly as a test wants: what it sends is bytes, written by hand."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

Answer = Callable[[socket.socket, dict[str, Any]], bool]


def http(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole HTTP answer."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def saying(data: bytes) -> Answer:
    """Sends these bytes, whatever was asked, and keeps the connection."""

    def answer(connection: socket.socket, request: dict[str, Any]) -> bool:
        connection.sendall(data)
        return True

    return answer


def saying_last(data: bytes) -> Answer:
    """Sends these bytes, whatever was asked, and ends the connection."""

    def answer(connection: socket.socket, request: dict[str, Any]) -> bool:
        connection.sendall(data)
        return False

    return answer


def echo(connection: socket.socket, request: dict[str, Any]) -> bool:
    """A correct answer: the method and its parameters."""
    body = {"jsonrpc": "2.0", "id": request["id"], "result": [request["method"], request["params"]]}
    connection.sendall(http(json.dumps(body).encode()))
    return True


def reset(connection: socket.socket, request: dict[str, Any]) -> bool:
    """A TCP reset in place of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def hang_up(connection: socket.socket, request: dict[str, Any]) -> bool:
    """An orderly end of the connection in place of an answer."""
    return False


def stall(connection: socket.socket, request: dict[str, Any]) -> bool:
    """Nothing, for as long as the client stays."""
    with contextlib.suppress(OSError):
        connection.recv(1)
    return False


def trickle(head: bytes, drop: bytes, every_s: float) -> Answer:
    """A beginning, then the same bytes again and again, until the client goes."""

    def answer(connection: socket.socket, request: dict[str, Any]) -> bool:
        connection.settimeout(every_s or None)
        with contextlib.suppress(OSError):
            connection.sendall(head)
            while True:
                connection.sendall(drop)
                if every_s:
                    with contextlib.suppress(TimeoutError):
                        if not connection.recv(1):
                            return False
        return False

    return answer


class Server:
    """Answers the requests of all its connections in the order of `answers`; the last one stays."""

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._ended = False
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._ended:
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while (request := self._read(connection)) is not None:
                self.requests.append(request)
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if not answer(connection, request):
                    return

    @staticmethod
    def _read(connection: socket.socket) -> dict[str, Any] | None:
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(65536)
            if not part:
                return None
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
        # Of several that came at once the first is answered, in the name of all.
        request: dict[str, Any] = json.loads(body[:length])
        return request

    def close(self) -> None:
        """End everything.

        Nobody may still wait at the listener when it is closed: the next one can get its number.
        """
        self._ended = True
        socket.create_connection(self._listener.getsockname()).close()
        self._accepting.join()
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def serving(*answers: Answer) -> Iterator[Server]:
    """A server for the time of a test."""
    server = Server(*answers)
    try:
        yield server
    finally:
        server.close()
