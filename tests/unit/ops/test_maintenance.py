"""Maintenance: banner, silence by Alertmanager's API, stop; and all of it ended again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lab.errors import UsageError
from lab.monitor.collect.maintenance import in_force
from lab.ops.procedure import carry_out
from lab.ops.procedures.maintenance import SilenceFailure, begin, end
from lab.ops.procedures.pausing import Pause

from .conftest import Site, address

Start = Callable[..., Site]


@contextmanager
def alertmanager() -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
    """Its two calls, and what it was asked."""
    asked: list[tuple[str, str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(("POST", self.path, json.loads(body)))
            self._answer(b'{"silenceID": "5111"}')

        def do_DELETE(self) -> None:
            asked.append(("DELETE", self.path, None))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_maintenance_begins_and_ends(site: Start) -> None:
    """What was stopped before it stays stopped after it; the silence is ended by its id."""
    here = site("sepolia", "base-sepolia")
    there = here.opened()
    operation, banner = there.operation, there.beside
    with there.executor(address("owner")) as executor, alertmanager() as (url, asked):
        carry_out(operation, Pause(), executor, only=("sepolia",))
        begun = begin(operation, executor, for_s=7200, reason="a drill", banner=banner, alertmanager=url)
        now_s = operation.timing.unix()
        assert begun.exit_code == 0
        assert (in_force(banner, now_s + 7000), in_force(banner, now_s + 7300)) == (True, False)
        ended = end(operation, executor, banner=banner)
        assert not in_force(banner, now_s)
    assert [chain.chain for chain in ended.chains] == ["base-sepolia"]
    assert ended.exit_code == 0
    (silence, expired) = asked
    assert silence[2]["comment"] == "a drill"
    assert silence[2]["matchers"] == [{"name": "alertname", "value": "Maintenance", "isRegex": False, "isEqual": False}]
    assert expired[:2] == ("DELETE", "/api/v2/silence/5111")
    states = {chain.name: chain.getters.get("paused") for chain in operation.chains}
    assert states == {"sepolia": True, "base-sepolia": False}


def test_nothing_is_stopped_where_alerts_cannot_be_silenced(site: Start) -> None:
    """Nobody is woken by a stop that was to be silent; and what was not begun cannot be ended."""
    here = site("sepolia")
    there = here.opened()
    with there.executor(address("owner")) as executor:
        with pytest.raises(SilenceFailure, match="expected an answer"):
            begin(
                there.operation,
                executor,
                for_s=60,
                reason="a drill",
                banner=there.beside,
                alertmanager="http://127.0.0.1:9",
            )
        with pytest.raises(UsageError, match="there is none"):
            end(there.operation, executor, banner=there.beside)
        with pytest.raises(UsageError, match="up to 24 hours"):
            begin(there.operation, executor, for_s=10**6, reason="", banner=there.beside)
    assert there.operation.chains[0].getters.get("paused") is False
