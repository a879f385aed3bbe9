"""An HTTP endpoint on 127.0.0.1 that says what a test has it say."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import ThreadingHTTPServer
from typing import Any

from lab.chains.answering import AnsweringHandler


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its path with the query, its headers, its body."""

    path: str
    headers: Message
    body: bytes

    @property
    def call(self) -> dict[str, Any]:
        """The JSON-RPC call in it."""
        loaded: dict[str, Any] = json.loads(self.body)
        return loaded


@contextmanager
def endpoint(answer: Callable[[Asked], tuple[int, bytes]]) -> Iterator[str]:
    """Serve status and body of each answer until the block ends; the URL."""

    class Handler(AnsweringHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(*answer(Asked(self.path, self.headers, body)))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def replied(call: Mapping[str, Any], **reply: Any) -> tuple[int, bytes]:
    """A JSON-RPC reply to a call, `result=` or `error=`."""
    return 200, json.dumps({"jsonrpc": "2.0", "id": call["id"], **reply}).encode()


def forwarded(node: str, body: bytes) -> bytes:
    """What a node answers to it."""
    connection = http.client.HTTPConnection(node.removeprefix("http://"), timeout=600)
    try:
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        return connection.getresponse().read()
    finally:
        connection.close()
