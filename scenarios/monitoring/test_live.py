"""Alerts on a live system: real chains, exporter, Prometheus, Alertmanager and a webhook, durations divided by 60.

Everything goes wrong at once, so that one set-up serves all alerts.
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lab.chains.processes.child import Child
from lab.chains.processes.python_child import python_command
from lab.coordinator import role_account, rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.monitor.collect import maintenance
from lab.monitor.servers import Server, free_ports
from lab.report.catalogue.criteria_definitions import CRITERIA
from lab.runner.script import Script
from lab.scenario.item import RelayerSpec

pytestmark = pytest.mark.real_clock

SETUP = """
name: Alerts on a live system, from the fault to the message and back
description: >
  `lab monitor up` watches three chains. During maintenance an operator is added and nobody is told; an Alertmanager
  silence holds back one alert until it ends. Then a node hangs, a relayer dies, the base fee rises, and a leg waits
  until it expires: each alert arrives with value, limit and runbook, and is resolved with its fault (a base fee
  falls too slowly for that).
rows: [ALR-01, ALR-02, ALR-03, ALR-04, ALR-05, ALR-06, OPS-03]
networks: {polygon: {}, optimism: {finality: {blocks: 1}}, base: {finality: {blocks: 1}}}
needs: [stop, expiry]
relayer: none
clock: real
window: 5s
timeout: 30m
monitor: true
checks: []
"""

SPEED, WAIT_S, FOREVER_S = 60, 120, 4_000_000_000
PARENT, CHILD = (f"0x{0xA1E27 << 64 | number:064x}" for number in (1, 2))


class Sink:
    """A webhook that keeps the alerts it is sent, and at /relayer a relayer that lives until `dead` is set."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.dead = False
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sink.alerts += json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]
                self._answer(200)

            def do_GET(self) -> None:
                self._answer(503 if sink.dead else 200)

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def find(self, name: str, status: str = "firing", **labels: str) -> dict[str, Any] | None:
        """The first message of this kind."""
        wanted = {"alertname": name, **labels}
        return next((a for a in self.alerts if a["status"] == status and wanted.items() <= a["labels"].items()), None)


class Live:
    """The run, what watches it, and where alerts arrive."""

    def __init__(self, script: Script, sink: Sink, folder: Path, ports: list[int]) -> None:
        self.script, self.sink, self.folder = script, sink, folder
        self.prometheus, self.alertmanager = (Server(f"http://127.0.0.1:{port}") for port in ports[1:])

    def until(self, what: str, done: Callable[[], bool]) -> bool:
        """Whether it came true within the time; chains go on meanwhile."""
        run = self.script.run
        deadline_ms = run.now_ms + WAIT_S * 1000
        run.lab.scheduler.advance_until(
            lambda: done() or run.now_ms > deadline_ms,
            deadline_ms=deadline_ms + 60_000,
            step_ms=200,
            waiting_for=what,
        )
        return done()

    def expect(self, name: str, status: str = "firing", **labels: str) -> None:
        """A message arrives; one that is to wake somebody says value, limit and where to read on."""
        there = self.until(name, lambda: self.sink.find(name, status, **labels) is not None)
        alert = self.sink.find(name, status, **labels)
        arrived = sorted({f"{each['labels']['alertname']} {each['status']}" for each in self.sink.alerts})
        where = f" of {', '.join(labels.values())}" if labels else ""
        self.script.expect(f"{name}{where} {status} to arrive", ", ".join(arrived), met=there)
        if alert is not None and status == "firing":
            told = alert["annotations"]
            # One that wakes nobody has no limit; of the others, value and limit are numbers both.
            numbers = 1 if alert["labels"]["severity"] == "none" else 2
            valued = len(re.findall(r"\d[\d.]*", told["description"])) >= numbers
            whole = valued and told["runbook_url"].endswith(f"#{name.lower()}")
            self.script.expect(f"{name} with value and runbook", told["description"], met=whole)

    def firing(self, name: str) -> bool:
        """Whether Prometheus has it firing, whoever is told."""
        alerts = self.prometheus.get("/api/v1/alerts")["data"]["alerts"]
        return any(a["labels"]["alertname"] == name and a["state"] == "firing" for a in alerts)

    @contextmanager
    def silence(self, name: str) -> Iterator[None]:
        """By Alertmanager's API, for as long as the body lasts."""
        begin, end = (
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (time.time() - 1, time.time() + WAIT_S * 60)
        )
        matcher = {"name": "alertname", "value": name, "isRegex": False, "isEqual": True}
        body = {"matchers": [matcher], "startsAt": begin, "endsAt": end, "createdBy": "lab", "comment": "planned"}
        given = self._ask("POST", "silences", body)
        self.script.expect("a silence to begin", given["silenceID"], met=bool(given["silenceID"]))
        yield
        self._ask("DELETE", f"silence/{given['silenceID']}")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A request of Alertmanager's API, and its answer. Raises URLError for a refusal."""
        request = urllib.request.Request(
            f"{self.alertmanager.url}/api/v2/{path}",
            data=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            return dict(json.loads(answer.read() or b"{}"))


@contextmanager
def watched(script: Script) -> Iterator[Live]:
    """`lab monitor up` over the run's chains, maintenance announced."""
    lab = script.run.lab
    folder = lab.wanted.folder / "live"
    folder.mkdir()
    urls = {name: chain.node.url for name, chain in lab.chains.items()}
    lab.session(urls, RelayerSpec(2_000, "ready")).write(folder / "session.json")
    # The wait of a leg is to be noticed at once.
    (folder / "criteria.yaml").write_text(CRITERIA.read_text().replace("limit: 30\n", "limit: 1\n"))
    maintenance.announce(folder, FOREVER_S, "a drill")
    sink, ports = Sink(), free_ports(3)
    words = ["-m", "lab.cli", "monitor", "up", "--session", str(folder / "session.json"), "--out", str(folder)]
    words += [
        "--criteria",
        str(folder / "criteria.yaml"),
        "--speed",
        str(SPEED),
        "--relayer-url",
        f"{sink.url}/relayer",
    ]
    for option, port in zip(("--exporter-port", "--prometheus-port", "--alertmanager-port"), ports, strict=True):
        words += [option, str(port)]
    child = Child.start(
        python_command(*words),
        run_id=lab.wanted.run_id,
        log=folder / "up.log",
        reaper=lab.backend.reaper,
        environment={"LAB_ALERT_WEBHOOK": sink.url},
    )
    try:
        yield Live(script, sink, folder, ports)
    finally:
        script.expect_equal("processes that had to be killed", child.stop(30), [])
        sink.server.shutdown()
        sink.server.server_close()


def maintain(live: Live) -> None:
    """While maintenance lasts only it is told; a silence holds back one alert; both end."""
    script, attacker = live.script, role_account("attacker").address
    live.until("Alertmanager", live.alertmanager.ready)
    with live.silence("UnauthorizedCalls"):
        live.expect("Maintenance")
        script.expect_ok(script.call("base", "add_operator", attacker, role="owner"))
        script.call("base", "pause", role="attacker")
        # An operator whom nobody declared is seen by an event that nobody has to emit.
        emits = "OperatorAdded" in script.run.lab.wanted.target.codec.events
        both = ("UndeclaredOperator", "UnauthorizedCalls") if emits else ("UnauthorizedCalls",)
        script.expect("both to fire", "in Prometheus", met=live.until("both", lambda: all(map(live.firing, both))))
        script.advance(2)
        nobody_told(live, *both)
        maintenance.end(live.folder)
        if emits:
            live.expect("UndeclaredOperator", chain="base")
        live.expect("Maintenance", "resolved")
        nobody_told(live, "UnauthorizedCalls")
    script.call("base", "pause", role="attacker")
    live.expect("UnauthorizedCalls", chain="base", function="pause")


def nobody_told(live: Live, *names: str) -> None:
    """No message about any of them has arrived."""
    for name in names:
        arrived = live.sink.find(name) is not None
        live.script.expect(f"nobody to be told of {name} meanwhile", f"told: {arrived}", met=not arrived)


def break_everything(live: Live) -> None:
    """Four faults at once, on chains that have nothing to do with each other where that can be."""
    script, genesis_s = live.script, live.script.run.lab.genesis_time
    due = genesis_s + int(script.now_s) + 8
    a, b = rollup_address("optimism"), rollup_address("base")
    script.inject("dead", "node_pause", chain="polygon")
    live.sink.dead = True
    wanted = [
        ("optimism", "buffer_transaction", (PARENT, a, b, "0x01", ZERO_ID, due), "operator"),
        ("base", "buffer_transaction", (PARENT, a, b, "0x01", ZERO_ID, due), "operator"),
        ("base", "buffer_transaction", (CHILD, a, b, "0x01", PARENT, due), "operator"),
    ]
    for pending in script.calls(wanted):
        script.expect_ok(pending)
    script.inject("dear", "base_fee_spike", chain="optimism", factor=10)
    script.advance_to(due - genesis_s + 1)
    script.expect_ok(script.call("optimism", "resolve_dependency", PARENT))


def play(script: Script) -> None:
    """Maintenance first, then the faults, then their end."""
    with watched(script) as live:
        maintain(live)
        break_everything(live)
        live.expect("ChainDown", chain="polygon")
        live.expect("RelayerDown")
        live.expect("CrossChainStuck", origin="optimism", target="base")
        live.expect("LegsOverdue", chain="base")
        live.expect("BaseFeeHigh", chain="optimism")
        script.heal("dead")
        script.heal("dear")
        live.sink.dead = False
        script.call("base", "remove_operator", role_account("attacker").address, role="owner")
        for tx_id in (CHILD, PARENT):
            script.call("base", "expire_transaction", tx_id)
        for name in ("ChainDown", "RelayerDown", "UndeclaredOperator", "LegsOverdue", "CrossChainStuck"):
            if name != "UndeclaredOperator" or live.sink.find(name) is not None:
                live.expect(name, "resolved")
        live.expect("CoordinationTimeout", chain="base")


def test_live(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Watch it."""
    lab_run(SETUP, play)
