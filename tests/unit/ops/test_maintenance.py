"""Maintenance: banner, silence by Alertmanager's API, stop; and all of it ended again."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lab.chains.answering import AnsweringHandler
from lab.chains.processes.reaper import Reaper
from lab.errors import UsageError
from lab.monitor.alerting.routes import routes_file
from lab.monitor.alerting.rules import as_yaml
from lab.monitor.collect.maintenance import in_force
from lab.monitor.servers import Server, alertmanager_command, free_ports, running
from lab.monitor.tools import ALERTMANAGER
from lab.ops.procedure import carry_out
from lab.ops.procedures.maintenance import SilenceFailure, begin, end
from lab.ops.procedures.pausing import Pause

from .conftest import Site, address

Start = Callable[..., Site]
WAIT_S = 600


@contextmanager
def alertmanager() -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
    """Its two calls, and what it was asked."""
    asked: list[tuple[str, str, Any]] = []

    class Handler(AnsweringHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(("POST", self.path, json.loads(body)))
            self.answer(200, b'{"silenceID": "5111"}')

        def do_DELETE(self) -> None:
            asked.append(("DELETE", self.path, None))
            self.answer(200, b"")

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


@pytest.mark.usefixtures("prometheus_tools")
def test_a_real_alertmanager_is_silenced_until_the_time_is_over(site: Start, tmp_path: Path) -> None:
    """All alerts but that of the maintenance, for two hours; begun again for a moment, no silence outlives that."""
    here = site("sepolia")
    there = here.opened()
    (port,) = free_ports(1)
    folder = tmp_path / "alerting"
    folder.mkdir()
    (folder / ALERTMANAGER).write_text(as_yaml(routes_file({})))
    with (
        Reaper.start() as reaper,
        running(alertmanager_command(port), port, folder, reaper) as server,
        there.executor(address("owner")) as executor,
    ):
        active = [
            {"labels": {"alertname": name, "severity": word, "chain": "sepolia"}}
            for name, word in (("ContractPaused", "critical"), ("Maintenance", "none"))
        ]
        post(f"{server.url}/api/v2/alerts", active)
        words: dict[str, Any] = {"reason": "a drill", "banner": there.beside, "alertmanager": server.url}
        begin(there.operation, executor, for_s=7200, **words)
        (planned,) = server.get("/api/v2/silences")
        span_s = moment(planned["endsAt"]) - moment(planned["startsAt"])
        assert (round(span_s), planned["status"]["state"]) == (7200, "active")
        assert silenced(server) == {"ContractPaused": True, "Maintenance": False}
        begin(there.operation, executor, for_s=1, **words)
        deadline = time.monotonic() + WAIT_S
        while silenced(server)["ContractPaused"] and time.monotonic() < deadline:
            time.sleep(0.1)
        assert silenced(server) == {"ContractPaused": False, "Maintenance": False}
        assert {silence["status"]["state"] for silence in server.get("/api/v2/silences")} == {"expired"}
        # One that somebody removed by hand is made anew.
        begin(there.operation, executor, for_s=7200, **words)
        delete = [one["id"] for one in server.get("/api/v2/silences") if one["status"]["state"] == "active"]
        post(f"{server.url}/api/v2/silence/{delete[0]}", None, method="DELETE")
        begin(there.operation, executor, for_s=3600, **words)
        assert silenced(server)["ContractPaused"]
        end(there.operation, executor, banner=there.beside)
        assert not silenced(server)["ContractPaused"]


def post(url: str, body: Any, method: str = "POST") -> None:
    """A request to the API."""
    data, headers = json.dumps(body).encode() if body is not None else None, {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=WAIT_S):
        pass


def moment(text: str) -> float:
    """Unix seconds."""
    return datetime.fromisoformat(text).timestamp()


def silenced(server: Server) -> dict[str, bool]:
    """Alert -> whether a silence holds it back."""
    return {alert["labels"]["alertname"]: bool(alert["status"]["silencedBy"]) for alert in server.get("/api/v2/alerts")}
