"""A node for the tests of the fault proxy: it remembers what it was asked, and can hang or be too talkative."""

from __future__ import annotations

import json
import socket
import threading
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from lab.chains.answering import AnsweringHandler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Without the reverse look-up of the host's name, which may ask the network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]


class Upstream:
    """Answers every method with its name, `results` and `answers` override a method's result, or its whole answer."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: dict[str, bytes] = {}
        self.results: dict[str, Any] = {}
        self.frozen = threading.Event()
        self.resumed = threading.Event()
        upstream = self

        class Handler(AnsweringHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if upstream.frozen.is_set():
                    upstream.resumed.wait(20)
                upstream.requests.append(request)
                body = (
                    upstream.answers.get(request["method"])
                    or json.dumps(
                        {"jsonrpc": "2.0", "id": request.get("id"), "result": upstream.result(request["method"])}
                    ).encode()
                )
                self.answer(200, body)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    direct = True

    def connect(self, timeout_s: float) -> socket.socket:
        """See `Node.connect`."""
        return socket.create_connection(("127.0.0.1", self._server.server_address[1]), timeout_s)

    def new_socket(self) -> socket.socket:
        """See `Node.new_socket`."""
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    def result(self, method: str) -> Any:
        """What it answers, where a test does not give the whole answer."""
        return self.results.get(method, f"answer to {method}")

    def methods(self) -> list[str]:
        """What it was asked, in order."""
        return [request["method"] for request in self.requests]

    def close(self) -> None:
        """Stop listening and let everything go."""
        self.resumed.set()
        self._server.shutdown()
        self._server.server_close()
