"""Prometheus and Alertmanager as processes of the lab: started on 127.0.0.1, ended with it, asked over HTTP."""

from __future__ import annotations

import socket
import urllib.error
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.bounded_files import JSON_BYTES_MAX, parse_json
from lab.chains.processes.child import Child
from lab.chains.processes.reaper import Reaper
from lab.errors import EnvironmentFailure
from lab.monitor import tools
from lab.monitor.alerting.timeline import SeriesLog, open_metrics
from lab.monitor.tools import ALERTMANAGER, PROMETHEUS
from lab.owner import temporary_directory
from lab.rpc.urls import fetch, url_below

READY_S, STOP_S, ANSWER_S = 60.0, 5.0, 30.0
FOREVER = "100y"
Values = dict[frozenset[tuple[str, str]], float]


def prometheus_command(port: int, *, resend_s: int = 60) -> list[str]:
    """Prometheus in a folder that `lab monitor config` wrote.

    What is sent before Alertmanager is known is lost, and sent again after `resend_s`.
    """
    return [
        tools.find("prometheus"),
        f"--config.file={PROMETHEUS}",
        "--storage.tsdb.path=prometheus-data",
        f"--rules.alert.resend-delay={resend_s}s",
        f"--web.listen-address=127.0.0.1:{port}",
    ]


def alertmanager_command(port: int) -> list[str]:
    """Alertmanager in such a folder."""
    return [
        tools.find("prometheus-alertmanager"),
        f"--config.file={ALERTMANAGER}",
        "--storage.path=alertmanager-data",
        f"--web.listen-address=127.0.0.1:{port}",
        # Its default is to listen for a cluster on every address.
        "--cluster.listen-address=",
    ]


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, no two the same."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in held]
    finally:
        for listener in held:
            listener.close()


@dataclass(frozen=True, slots=True)
class Server:
    """One that answers below `url`."""

    url: str

    def get(self, path: str, **query: Any) -> Any:
        """What it answers, from JSON. Raises EnvironmentFailure for a refusal, with its words."""
        try:
            _, body = fetch(url_below(self.url, path, query), timeout_s=ANSWER_S, bytes_max=JSON_BYTES_MAX + 1)
            return parse_json(body, path)
        except urllib.error.HTTPError as error:
            said = error.read(400).decode(errors="replace")
            raise EnvironmentFailure(f"{path} of {self.url}: HTTP {error.code}: {said}") from error

    def ready(self) -> bool:
        """Whether it says so."""
        try:
            return fetch(url_below(self.url, "/-/ready"), timeout_s=ANSWER_S, bytes_max=1)[0] == 200
        except OSError:
            return False


@contextmanager
def running(command: Sequence[str], port: int, folder: Path, reaper: Reaper) -> Iterator[Server]:
    """A server once it is ready. Raises EnvironmentFailure, with its last words, for one that does not get ready."""
    log = folder / f"{Path(command[0]).name}.log"
    child = Child.start(command, run_id="monitor", log=log, reaper=reaper, folder=folder)
    server = Server(f"http://127.0.0.1:{port}")
    try:
        if not child.wait_ready(server.ready, READY_S):
            raise EnvironmentFailure(f"{Path(command[0]).name} did not get ready:\n{child.log_tail()}")
        yield server
    finally:
        child.stop(STOP_S)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A Prometheus that holds the series of a run; times in unix seconds."""

    server: Server
    start_s: int
    end_s: int
    step_s: int

    def at(self, expr: str, second: float | None = None) -> Values:
        """What an expression is at a moment, by default the run's last: labels -> value."""
        answer = self.server.get("/api/v1/query", query=_filled(expr), time=self.end_s if second is None else second)
        return {_labels(one): float(one["value"][1]) for one in answer["data"]["result"]}

    def over_time(self, expr: str) -> dict[frozenset[tuple[str, str]], list[tuple[float, float]]]:
        """What an expression was at every sample: labels -> (unix seconds, value)."""
        answer = self.server.get(
            "/api/v1/query_range", query=_filled(expr), start=self.start_s, end=self.end_s, step=self.step_s
        )
        return {
            _labels(one): [(float(at), float(value)) for at, value in one["values"]] for one in answer["data"]["result"]
        }


def _filled(expr: str) -> str:
    """An expression of a dashboard with its variable filled, as Grafana does for all chains."""
    return expr.replace("$chain", ".*")


def _labels(series: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((key, value) for key, value in series["metric"].items() if key != "__name__")


@contextmanager
def recorded(log: SeriesLog, reaper: Reaper) -> Iterator[Recorded]:
    """The series of a run in a Prometheus of their own. Raises EnvironmentFailure without its programs."""
    with temporary_directory("series") as folder:
        (folder / "run.om").write_text(open_metrics(log), encoding="utf-8")
        (folder / PROMETHEUS).write_text("{}\n", encoding="utf-8")
        arguments = ["tsdb", "create-blocks-from", "openmetrics", "run.om", "prometheus-data"]
        code, output = tools.run("promtool", arguments, folder=folder)
        if code != 0:
            raise EnvironmentFailure(f"promtool could not read the series: {output[:400]}")
        (port,) = free_ports(1)
        # What one sample lacks is gone at once, as with a scrape that lacks it.
        command = [*prometheus_command(port), f"--query.lookback-delta={log.interval_s}s"]
        command += [f"--storage.tsdb.retention.time={FOREVER}"]
        with running(command, port, folder, reaper) as server:
            end_s = log.start_s + (log.count - 1) * log.interval_s
            yield Recorded(server, log.start_s, end_s, log.interval_s)
