"""From a node that dies to a message and back, through real processes: exporter, Prometheus, Alertmanager, webhook."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lab.coordinator import role_account
from lab.monitor.collect import maintenance
from tests.unit.conftest import StartLab
from tests.unit.real_chains import send

from .test_exporter import write_session

WAIT_S = 90
FOR_LONG_S = 4_000_000_000


class Sink:
    """A webhook that keeps the alerts it is sent."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        changed = self._changed = threading.Condition()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with changed:
                    sink.alerts += body["alerts"]
                    changed.notify_all()
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, name: str, status: str) -> dict[str, Any]:
        """The first message of this kind."""

        def wanted(alert: dict[str, Any]) -> bool:
            return bool(alert["labels"]["alertname"] == name and alert["status"] == status)

        with self._changed:
            seen = self._changed.wait_for(lambda: any(map(wanted, self.alerts)), timeout=WAIT_S)
            assert seen, [(alert["labels"]["alertname"], alert["status"]) for alert in self.alerts]
            return next(filter(wanted, self.alerts))

    def names(self) -> set[str]:
        """All alerts received so far."""
        return {alert["labels"]["alertname"] for alert in self.alerts}


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.server.shutdown()
    sink.server.server_close()


Up = Callable[[Path], subprocess.Popen[str]]


@pytest.fixture
def monitor_up(prometheus_tools: None, sink: Sink, tmp_path: Path) -> Iterator[Up]:
    """`lab monitor up`, sixty times as fast, told to the sink."""
    processes: list[subprocess.Popen[str]] = []

    def start(session: Path) -> subprocess.Popen[str]:
        words = ["monitor", "up", "--session", str(session), "--out", str(tmp_path / "monitor"), "--speed", "60"]
        with ExitStack() as held:
            # All at once, so that no two are the same.
            for option in ("--exporter-port", "--prometheus-port", "--alertmanager-port"):
                free = held.enter_context(socket.create_server(("127.0.0.1", 0)))
                words += [option, str(free.getsockname()[1])]
        environment = {**os.environ, "LAB_ALERT_WEBHOOK": sink.url}
        process = subprocess.Popen([sys.executable, "-m", "lab.cli", *words], env=environment, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=WAIT_S) == 0


@pytest.mark.real_clock
def test_a_dead_node_is_told(start_lab: StartLab, monitor_up: Up, sink: Sink, tmp_path: Path) -> None:
    """Firing, with value, limit and runbook."""
    lab = start_lab("arbitrum")
    monitor_up(write_session(lab, tmp_path))
    sink.wait_for("Watchdog", "firing")
    lab.chains["arbitrum"].crash()
    alert = sink.wait_for("ChainDown", "firing")
    assert alert["labels"]["chain"] == "arbitrum"
    assert "chain_up is 0" in alert["annotations"]["description"]
    assert alert["annotations"]["runbook_url"].endswith("#chaindown")


@pytest.mark.real_clock
def test_an_intruder_is_told_and_maintenance_inhibits(
    start_lab: StartLab, monitor_up: Up, sink: Sink, tmp_path: Path
) -> None:
    """While maintenance is announced only it is told; when it ends, what still fires is."""
    lab = start_lab("arbitrum")
    path = write_session(lab, tmp_path)
    maintenance.announce(tmp_path, FOR_LONG_S, "a test")
    monitor_up(path)
    sink.wait_for("Maintenance", "firing")
    attacker = role_account("attacker").address
    send(lab, "arbitrum", "owner", "add_operator", attacker)
    send(lab, "arbitrum", "attacker", "pause")
    lab.scheduler.advance_to(5_000)
    lab.chains["arbitrum"].look()
    sink.wait_for("Watchdog", "firing")
    assert "UndeclaredOperator" not in sink.names()
    maintenance.end(tmp_path)
    sink.wait_for("Maintenance", "resolved")
    sink.wait_for("UndeclaredOperator", "firing")
    send(lab, "arbitrum", "owner", "remove_operator", attacker)
    lab.scheduler.advance_to(9_000)
    lab.chains["arbitrum"].look()
    sink.wait_for("UndeclaredOperator", "resolved")
