"""The exporter beside an endpoint that means no good, and beside one that speaks TLS."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from lab.model.session import Session
from tests.unit.conftest import StartLab

from .conftest import Export
from .test_exporter import MEMORY_BYTES_MAX, has, value, write_session

CHUNK = b" " * (1 << 20)
Answer = Callable[[dict[str, Any], BaseHTTPRequestHandler], None]


def plain(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A whole answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def endless(request: dict[str, Any], handler: BaseHTTPRequestHandler) -> None:
    """As long as anybody reads."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**12))
    handler.end_headers()
    while True:
        handler.wfile.write(CHUNK)


def deep(request: dict[str, Any], handler: BaseHTTPRequestHandler) -> None:
    """Nested a hundred thousand times."""
    plain(handler, b'{"jsonrpc":"2.0","id":%d,"result":' % request["id"] + b"[" * 100_000 + b"]" * 100_000 + b"}")


def of_another_shape(request: dict[str, Any], handler: BaseHTTPRequestHandler) -> None:
    """Right by its form only."""
    plain(handler, json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {"number": [], "hash": 7}}).encode())


def serving(answer: Answer) -> ThreadingHTTPServer:
    """A server on a port of its own, not yet serving."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            try:
                answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))), self)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


@pytest.fixture
def serve() -> Iterator[Callable[[ThreadingHTTPServer], str]]:
    """Serves until the end of the test; HOST:PORT."""
    servers: list[ThreadingHTTPServer] = []

    def start(server: ThreadingHTTPServer) -> str:
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def point_to(path: Path, **urls: str) -> None:
    """Give chains of a session other URLs."""
    session = Session.read(path)
    chains = {
        name: chain.model_copy(update={"rpc_url": urls.get(name, chain.rpc_url)})
        for name, chain in session.chains.items()
    }
    session.model_copy(update={"chains": chains}).write(path)


def is_down(chain: str, line: dict[str, Any]) -> bool:
    """Whether a line of the log says that a chain cannot be read."""
    return bool(line["event"] == "chain_down" and line["chain"] == chain)


def test_hostile_endpoints_cost_no_memory(
    start_lab: StartLab, export: Export, serve: Callable[[ThreadingHTTPServer], str], tmp_path: Path
) -> None:
    """Answers without end, nested, or of another shape: their chains are down, the other one is watched on."""
    path = write_session(start_lab("optimism", "base", "polygon", "arbitrum"), tmp_path)
    hostile = {"base": endless, "polygon": deep, "arbitrum": of_another_shape}
    point_to(path, **{name: f"http://{serve(serving(answer))}" for name, answer in hostile.items()})
    exporter = export(path, "--interval", "1")
    for name in hostile:
        exporter.wait_for(partial(is_down, name))
    text = exporter.scrape_until(has("tesseract_chain_up", 1, chain="optimism"))
    for name in hostile:
        assert value(text, "tesseract_chain_up", chain=name) == 0
        assert value(text, "tesseract_chain_head_block", chain=name) is None
    assert psutil.Process(exporter.process.pid).memory_info().rss < 2 * MEMORY_BYTES_MAX
    assert exporter.scrape("/healthz")[0] == 503


def test_https_with_an_authority_of_one_s_own(
    start_lab: StartLab,
    export: Export,
    serve: Callable[[ThreadingHTTPServer], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A chain behind TLS is read where SSL_CERT_FILE names its authority, and its key is in no line of the log."""
    lab = start_lab("optimism")
    path, node = write_session(lab, tmp_path), lab.chains["optimism"].look()

    def forward(request: dict[str, Any], handler: BaseHTTPRequestHandler) -> None:
        result = node.call(request["method"], *request["params"])
        plain(handler, json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode())

    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    try:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=600)
    except FileNotFoundError:
        pytest.skip("openssl is not installed: no certificate to test with")
    server = serving(forward)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    point_to(path, optimism=f"https://{serve(server)}/v2/a-key-of-a-provider")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    exporter = export(path)
    exporter.scrape_until(has("tesseract_chain_up", 1, chain="optimism"))
    assert "a-key-of-a-provider" not in json.dumps(exporter.lines)
