"""What the HTTP servers of the lab's own have in common: an answer leaves at once and whole, and nothing is logged."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any


class AnsweringHandler(BaseHTTPRequestHandler):
    """Answers a request in one write.

    The standard library's handler writes head and body apart. On a connection that stays open the body then waits for
    the client to acknowledge the head, which Linux puts off for 40 ms.
    """

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def answer(
        self, status: int, body: bytes, kind: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> None:
        """The whole answer; a client that went away is not worth an error."""
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""
