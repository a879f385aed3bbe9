"""Engines that are none: they answer over a Unix socket or TCP as a Docker engine would, and have no image."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

VERSION = {"ApiVersion": "1.43", "MinAPIVersion": "1.24", "Version": "24.0.7", "Os": "linux", "Arch": "amd64"}


class Handler(BaseHTTPRequestHandler):
    """Answers `answers`, by the end of the path; all else is not there."""

    protocol_version = "HTTP/1.1"
    answers: dict[str, tuple[int, Any]]

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        status, found = next(
            (answer for end, answer in self.answers.items() if path.endswith(end)), (404, {"message": "no such image"})
        )
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_GET

    def address_string(self) -> str:
        return "here"

    def log_message(self, *_: Any) -> None:
        pass


class UnixServer(ThreadingMixIn, UnixStreamServer):
    """One thread for each connection, none of which holds up the end."""

    daemon_threads = True


def answering(**answers: tuple[int, Any]) -> type[Handler]:
    """A handler with these answers beside the version: the keys are the last parts of paths."""
    given = {f"/{end}": answer for end, answer in answers.items()}
    return type("Answering", (Handler,), {"answers": {"/version": (200, VERSION), "/_ping": (200, b"OK")} | given})


@contextmanager
def unix_engine(path: Path, **answers: tuple[int, Any]) -> Iterator[str]:
    """Its URL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with UnixServer(str(path), answering(**answers)) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"unix://{path}"
        server.shutdown()


@contextmanager
def tcp_engine(**answers: tuple[int, Any]) -> Iterator[str]:
    """Its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), answering(**answers)) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()
