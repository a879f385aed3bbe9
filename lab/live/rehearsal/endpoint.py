"""An endpoint that fails as public ones do: limits, errors, silence, answers that get lost, a head that lags.

In front of a node of the lab's own, on a port of 127.0.0.1. Which request meets which fault is drawn from a seed.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from lab.chains.answering import AnsweringHandler
from lab.chains.loopback import is_from_page

FAULTS = ("limit", "error", "silence", "lost reply", "lag")
# What an endpoint does not do now and then, but until somebody mends it.
LASTING = ("broken connection", "no JSON", "other chain")
SILENT_S = 0.3
LAG_BLOCKS = 20
BODY_BYTES_MAX = 4 << 20


class FaultyEndpoint(ThreadingHTTPServer):
    """Forwards to `node`; with the probability `share` a request meets one of FAULTS.

    While `forced` names one of FAULTS or LASTING, every request meets that.
    """

    daemon_threads = True

    def __init__(self, node: str, *, share: float, seed: int) -> None:
        """Raises OSError where no port is free."""
        super().__init__(("127.0.0.1", 0), _Handler)
        parts = urlsplit(node)
        self.node = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.share, self._random, self._lock = share, random.Random(seed), threading.Lock()
        self.forced: str | None = None
        self.met = dict.fromkeys((*FAULTS, *LASTING), 0)
        self.requests = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def draw(self) -> str | None:
        """The fault of the next request, if there is one."""
        with self._lock:
            self.requests += 1
            fault = self.forced
            if fault is None and self._random.random() < self.share:
                fault = self._random.choice(FAULTS)
            if fault is not None:
                self.met[fault] += 1
            return fault

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a trace."""


class _Handler(AnsweringHandler):
    server: FaultyEndpoint

    def do_POST(self) -> None:
        """One JSON-RPC call."""
        if is_from_page(self.headers["Host"], self.headers["Origin"], self.server.server_port):
            self.close_connection = True
            self.answer(403, b"expected the Host of this endpoint and no Origin")
            return
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), BODY_BYTES_MAX))
        fault = self.server.draw()
        if fault == "limit":
            self.answer(429, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"rate limit exceeded"}}')
        elif fault == "error":
            self.answer(503, b"upstream connect error")
        elif fault == "silence":
            threading.Event().wait(SILENT_S)
            self.close_connection = True
        elif fault == "broken connection":
            self.close_connection = True
        elif fault == "no JSON":
            self.answer(200, b"<html>Just a moment...</html>")
        else:
            status, answer = self._forward(body)
            if fault == "lost reply":
                self.close_connection = True
            else:
                self.answer(status, _ALTERED[fault](body, answer) if fault in _ALTERED else answer)

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(*self.server.node, timeout=30)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        except OSError:
            return 502, b"bad gateway"
        finally:
            connection.close()


def _lagging(request: bytes, answer: bytes) -> bytes:
    """A head that is some blocks behind, and nothing known of what is newer."""
    try:
        method, given = json.loads(request)["method"], json.loads(answer)
    except (ValueError, KeyError, TypeError):
        return answer
    if method == "eth_blockNumber" and isinstance(given.get("result"), str):
        given["result"] = hex(max(0, int(given["result"], 16) - LAG_BLOCKS))
    elif method in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
        given["result"] = None
    return json.dumps(given).encode()


def _of_another_chain(request: bytes, answer: bytes) -> bytes:
    """The answer of a node of Ethereum's mainnet, or of a chain that is none."""
    if json.loads(request)["method"] != "eth_chainId":
        return answer
    given = json.loads(answer)
    return json.dumps({**given, "result": "0x1" if given["result"] != "0x1" else "0x539"}).encode()


_ALTERED = {"lag": _lagging, "other chain": _of_another_chain}


@contextmanager
def faulty_endpoint(node: str, *, share: float, seed: int) -> Iterator[FaultyEndpoint]:
    """Serve until the block ends."""
    server = FaultyEndpoint(node, share=share, seed=seed)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
