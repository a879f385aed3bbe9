"""A small Safe Transaction Service on 127.0.0.1: what the lab needs of one, and ways to go wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any

from lab.chains.answering import AnsweringHandler


class FakeService(ThreadingHTTPServer):
    """`transactions`: hash -> document. `forgetful`: it answers 201 and never shows the transaction."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.transactions: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.forgetful, self.status, self.body = False, 0, b""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(AnsweringHandler):
    server: FakeService

    def do_GET(self) -> None:
        """One transaction."""
        self.server.requests.append(("GET", self.path, self.headers.get("Authorization")))
        shown = self.server.transactions.get(self.path.partition("?")[0].rstrip("/").rpartition("/")[2])
        self._answer(200 if shown else 404, shown or {"detail": "Not found."})

    def do_POST(self) -> None:
        """A transaction, or a confirmation of one."""
        self.server.requests.append(("POST", self.path, self.headers.get("Authorization")))
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[2] == "safes":
            if not self.server.forgetful:
                confirmation = {"owner": given["sender"], "signature": given["signature"]}
                self.server.transactions[given["contractTransactionHash"]] = {**given, "confirmations": [confirmation]}
            self._answer(201, None)
        elif (known := self.server.transactions.get(parts[3])) is not None:
            known["confirmations"].append({"owner": "0x", "signature": given["signature"]})
            self._answer(201, {"signature": given["signature"]})
        else:
            self._answer(201 if self.server.forgetful else 404, {})

    def _answer(self, status: int, document: Any) -> None:
        body = self.server.body or (b"" if document is None else json.dumps(document).encode())
        self.answer(self.server.status or status, body)


@contextmanager
def fake_service() -> Iterator[FakeService]:
    """Serve until the block ends."""
    server = FakeService()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
