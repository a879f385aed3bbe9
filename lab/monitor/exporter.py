"""The exporter as a process: a thread for each chain, `/metrics` and `/healthz` on one port, JSON lines on stderr.

A scrape waits for nothing: what it gets was rendered after a poll, once a second at most, or as often as
polls where they are closer. The position is written whole or not at all, and read again at the next start.
"""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from lab.bounded_files import read_bytes, write_atomically
from lab.chains.answering import AnsweringHandler
from lab.errors import EnvironmentFailure, UsageError
from lab.model.redacted import redact_url
from lab.model.session import Session, SessionChain
from lab.monitor.collect.chain_collector import Log
from lab.monitor.collect.collector import MEMORY_BYTES_MAX, Collector, Watch, read_memory
from lab.monitor.exposition import text_of
from lab.rpc import HttpTransport, Rpc, RpcFailure
from lab.rpc.endpoints import transport_to

SAVE_EVERY_S, RENDER_EVERY_S = 15.0, 1.0
# An answer is held in memory about ten times over while it is read.
ANSWER_BYTES_MAX = 2 * 1024 * 1024
REQUEST_TIMEOUT_S = 5.0
CHECKED_AT_ONCE = 16


class Exporter:
    """Watches the chains of a session until it is closed."""

    def __init__(self, session: Session, watch: Watch, *, position: Path | None) -> None:
        self._watch, self._position = watch, position
        timeout_s = _timeout_s(session)
        transports = {
            name: transport_to(
                chain,
                timeout_s=timeout_s,
                answer_bytes_max=ANSWER_BYTES_MAX,
                notify=partial(_log_endpoint, watch.log, name),
            )
            for name, chain in session.chains.items()
        }
        memory = None
        if position is not None and position.is_file():
            memory = read_memory(read_bytes(position, max_bytes=MEMORY_BYTES_MAX))
            if memory is None:
                watch.log(event="position_unreadable", path=str(position))
        self.collector = Collector(session, transports, watch, memory)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch_chain, args=(name,), name=f"watch {name}", daemon=True)
            for name in session.chains
        ]
        self._threads.append(threading.Thread(target=self._render, name="render", daemon=True))
        self._news = threading.Event()
        self.metrics = b""
        self._saved_s = time.monotonic()

    def start(self) -> None:
        """Begin to watch."""
        self.metrics = text_of(self.collector.samples)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop, and write down the position. A chain that hangs is not waited for."""
        self._stopping.set()
        self._news.set()
        for thread in self._threads:
            thread.join(timeout=1)
        self._save(force=True)

    def healthy(self) -> dict[str, str | None]:
        """What keeps each chain from being read; None where nothing does."""
        return {name: chain.error for name, chain in self.collector.chains.items()}

    def _watch_chain(self, name: str) -> None:
        while not self._stopping.is_set():
            begun_s = time.monotonic()
            self.collector.poll_chain(name)
            self._news.set()
            self._save()
            self._stopping.wait(max(0.1, self._watch.interval_s - (time.monotonic() - begun_s)))

    def _render(self) -> None:
        while not self._stopping.wait(min(RENDER_EVERY_S, self._watch.interval_s)):
            # Without a poll, too: what waits gets older.
            self._news.wait(self._watch.interval_s)
            self._news.clear()
            self.metrics = text_of(self.collector.samples)

    def _save(self, *, force: bool = False) -> None:
        if self._position is None or not (force or time.monotonic() - self._saved_s > SAVE_EVERY_S):
            return
        self._saved_s = time.monotonic()
        # A disk that is full costs a later scan, not the monitoring.
        with suppress(OSError):
            write_atomically(self._position, self.collector.dump())


def _log_endpoint(log: Log, chain: str, text: str) -> None:
    log(event="endpoint", chain=chain, text=text)


def check_session(session: Session) -> None:
    """Ask every endpoint that answers whether it is the right one. Raises UsageError with the first that is not.

    All at once: what does not answer is waited for once, however many they are.
    """
    timeout_s = _timeout_s(session)
    asked = [(name, chain, url) for name, chain in session.chains.items() for url in chain.rpc_urls]
    with ThreadPoolExecutor(max_workers=max(1, min(len(asked), CHECKED_AT_ONCE))) as pool:
        for check in [pool.submit(_check_endpoint, *one, timeout_s) for one in asked]:
            check.result()


def _timeout_s(session: Session) -> float:
    return min(REQUEST_TIMEOUT_S, session.rpc_timeout_ms / 1000)


def _check_endpoint(name: str, chain: SessionChain, url: str, timeout_s: float) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"chain {name}: expected an http:// or https:// RPC URL, got {redact_url(url)}")
    transport = HttpTransport(url, timeout_s=timeout_s, answer_bytes_max=ANSWER_BYTES_MAX)
    rpc = Rpc(transport)
    try:
        chain_id, code = rpc.chain_id(), rpc.call("eth_getCode", chain.contract, "latest")
    except RpcFailure:
        # A chain that is down is what monitoring is for.
        return
    finally:
        transport.close()
    if chain_id != chain.chain_id:
        raise UsageError(
            f"chain {name}: expected chain id {chain.chain_id} at {redact_url(url)}, got {chain_id}: "
            "correct the session, or the endpoint"
        )
    if code in ("0x", "0x0", None):
        raise UsageError(
            f"chain {name}: expected the contract at {chain.contract}, there is no code: is the session of an "
            "earlier deployment?"
        )


def serve(exporter: Exporter, host: str, port: int) -> ThreadingHTTPServer:
    """The server, bound and not yet serving. Raises EnvironmentFailure for a port that is taken."""

    class Handler(AnsweringHandler):
        timeout = 5
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            if self.path.split("?")[0] == "/metrics":
                self.answer(200, exporter.metrics, "text/plain; version=0.0.4; charset=utf-8")
            elif self.path == "/healthz":
                health = exporter.healthy()
                body = json.dumps({"ok": not any(health.values()), "chains": health}).encode()
                self.answer(503 if any(health.values()) else 200, body, "application/json")
            else:
                self.answer(404, b"expected /metrics or /healthz\n", "text/plain")

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot listen on {host}:{port}: {error.strerror}; name another port with --port (0: any)"
        ) from error
    server.daemon_threads = True
    return server
