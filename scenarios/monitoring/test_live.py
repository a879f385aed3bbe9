"""Alerts on a live system: real chains, exporter, Prometheus, Alertmanager and a webhook, durations divided by 120.

Everything goes wrong at once, while the servers still start, so that one set-up and one wait serve all alerts. Each
expectation belongs to the row of its alert, so that one alert that does not arrive takes its row alone.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psutil
import pytest

from lab.chains.processes.child import Child
from lab.chains.processes.python_child import python_command
from lab.coordinator import role_account, rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.monitor.alerting.alerts import alerts
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.servers import Server, free_ports
from lab.networks import load_network
from lab.ops.in_scenario import ScenarioOps
from lab.ops.procedures import maintenance
from lab.report.catalogue.criteria_definitions import CRITERIA
from lab.runner.requirements.optional import ALERT_EVENTS
from lab.runner.script import Script
from lab.scenario.item import RelayerSpec

pytestmark = pytest.mark.real_clock

SETUP = """
name: Alerts on a live system, from the fault to the message and back
description: >
  `lab monitor up` watches four chains while a node hangs, another makes no blocks, a relayer dies, the base fee rises,
  and legs wait, some until they expire. `lab ops maintenance` begins for two hours: what goes wrong meanwhile fires,
  and nobody hears of it. It is then cut short and ends by itself; the contract that it left stopped is an alert. Then
  legs are executed late, until somebody is told, a contract's code changes, and the exporter hangs. Every alert of the
  rules arrives with value, limit and runbook, and is resolved with its fault.
rows: [ALR-01, ALR-02, ALR-03, ALR-04, ALR-05, ALR-06, INF-03, OPS-03, OSC-06]
networks: {amoy: {}, polygon: {}, base: {finality: {blocks: 1}}, base-sepolia: {finality: {blocks: 1}}}
relayer: none
clock: real
window: 5s
timeout: 30m
monitor: true
checks: []
"""

SPEED, WAIT_S = 120, 120
DEAD, STALLED, ORIGIN, TARGET = "amoy", "polygon", "base", "base-sepolia"
PLANNED_S, LEFT_S, TIMEOUT_MS = 7_200, 2, 1_000
# Every alert, by what it arrives with: in this order, once the maintenance is over.
WHERE: dict[str, dict[str, str]] = {
    "Watchdog": {},
    "Maintenance": {},
    "ChainDown": {"chain": DEAD},
    "ChainStalled": {"chain": STALLED},
    "RelayerDown": {},
    "ContractPaused": {"chain": ORIGIN},
    "UndeclaredOperator": {"chain": TARGET},
    "BaseFeeHigh": {"chain": ORIGIN},
    "CrossChainStuck": {"origin": ORIGIN, "target": TARGET},
    "RelayerBacklog": {"chain": TARGET},
    "LegsOverdue": {"chain": TARGET},
    "UnauthorizedCalls": {"chain": TARGET},
    "ContractCodeChanged": {"chain": STALLED},
    "OwnerChanged": {"chain": TARGET},
    "CrossChainSlow": {"origin": ORIGIN, "target": TARGET},
    "TransactionsFailing": {"chain": TARGET},
    "CoordinationTimeout": {"chain": TARGET},
    "CollectorStale": {},
}
# What follows from the rest's end: the maintenance has ended by then, and the watchdog never does.
ENDED_BEFORE, ENDLESS, LAST = "Maintenance", "Watchdog", "CollectorStale"
# What goes wrong during the maintenance.
MEANWHILE = ("UnauthorizedCalls", "ContractPaused", "UndeclaredOperator")
ALERTS = {alert.name: alert for alert in alerts(Thresholds())}
ALSO = {"UnauthorizedCalls": ("OPS-03",)}
MAINTENANCE = ("ALR-06", "OSC-06")
# What only a contract with an emergency stop lets be raised.
OF_STOPS = ("Maintenance", "ContractPaused")
PARENT, HOME, *LEGS = (f"0x{0xA1E27 << 64 | number:064x}" for number in range(1, 9))
# Of one leg that is late, or expires, a busy machine may see too little: it goes on until the message is there.
LATE, EXPIRING = LEGS[:4], LEGS[4:]
AGAIN_S = 3
REFUSED = f'tesseract_unauthorized_calls_total{{chain="{TARGET}"}}'
CODE = f'tesseract_contract_code_matches{{chain="{STALLED}"}}'
# Without a limit, and without a value.
WORDS_ONLY = {"Maintenance": 1, "Watchdog": 0}


# Chain, function, arguments and role.
Call = tuple[str, str, tuple[Any, ...], str]


class Sink:
    """A webhook that keeps the alerts it is sent, and at /relayer a relayer that lives until `dead` is set."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        # How many of them were looked at, and count no more.
        self.past = 0
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
        expected = {"alertname": name, **labels}
        return next(
            (a for a in self.alerts[self.past :] if a["status"] == status and expected.items() <= a["labels"].items()),
            None,
        )


class Live:
    """The run, what watches it, and where alerts arrive."""

    def __init__(self, script: Script, sink: Sink, child: Child, ports: list[int]) -> None:
        self.script, self.sink, self.child, self.folder = script, sink, child, script.run.lab.spec.folder / "live"
        self.prometheus, self.alertmanager = (Server(f"http://127.0.0.1:{port}") for port in ports[1:])

    def until(self, what: str, done: Callable[[], bool], within_s: int = WAIT_S) -> bool:
        """Whether it came true within the time; chains go on meanwhile."""
        run = self.script.run
        deadline_ms = run.now_ms + within_s * 1000
        run.lab.scheduler.advance_until(
            lambda: done() or run.now_ms > deadline_ms,
            deadline_ms=deadline_ms + 60_000,
            step_ms=200,
            waiting_for=what,
        )
        return done()

    def expect(self, name: str, status: str = "firing", **labels: str) -> None:
        """A message arrives; one that is to wake somebody says value, limit and where to read on."""
        rows = (ALERTS[name].row, *ALSO.get(name, ()))
        there = self.until(name, lambda: self.sink.find(name, status, **labels) is not None)
        alert = self.sink.find(name, status, **labels)
        arrived = sorted({f"{one['labels']['alertname']} {one['status']}" for one in self.sink.alerts})
        where = f" of {', '.join(labels.values())}" if labels else ""
        self.script.expect(f"{name}{where} {status} to arrive", ", ".join(arrived), met=there, rows=rows)
        if alert is not None and status == "firing":
            words = alert["annotations"]
            valued = len(re.findall(r"\d[\d.]*", words["description"])) >= WORDS_ONLY.get(name, 2)
            whole = valued and words["runbook_url"] == ALERTS[name].runbook
            self.script.expect(f"{name} with value and runbook", words["description"], met=whole, rows=rows)

    def go_on(self, names: Collection[str], calls: Iterator[Call]) -> None:
        """What raises alerts that look at the last seconds goes on until each was sent, or nothing is left to do."""
        while not self.until(", ".join(names), lambda: all(map(self.sink.find, names)), AGAIN_S):
            if (call := next(calls, None)) is None:
                return
            all_ok(self.script, [call])

    def firing(self, name: str) -> bool:
        """Whether Prometheus has it firing, whoever is notified."""
        active = self.prometheus.get("/api/v1/alerts")["data"]["alerts"]
        return any(a["labels"]["alertname"] == name and a["state"] == "firing" for a in active)

    def figure(self, series: str) -> float | None:
        """A series' value now; None where it has none, or before there is anybody to ask."""
        if not self.prometheus.ready():
            return None
        found = self.prometheus.get("/api/v1/query", query=series)["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def held_back(self, name: str) -> tuple[bool, bool]:
        """Whether Alertmanager holds all of them back by a silence, and by another alert."""
        known = [a["status"] for a in self.alertmanager.get("/api/v2/alerts") if a["labels"]["alertname"] == name]
        by = [(bool(status["silencedBy"]), bool(status["inhibitedBy"])) for status in known]
        return bool(by) and all(silenced for silenced, _ in by), bool(by) and all(inhibited for _, inhibited in by)

    def quiet(self, name: str) -> bool:
        """Whether it fires, and is held back by both."""
        return self.firing(name) and self.held_back(name) == (True, True)

    def silences(self) -> list[str]:
        """The state of every silence that Alertmanager knows."""
        return [silence["status"]["state"] for silence in self.alertmanager.get("/api/v2/silences")]


@contextmanager
def watched(script: Script) -> Iterator[Live]:
    """`lab monitor up` over the run's chains."""
    lab = script.run.lab
    folder = lab.spec.folder / "live"
    folder.mkdir()
    urls = {name: chain.node.url for name, chain in lab.chains.items()}
    session = lab.session(urls, RelayerSpec(2_000, "ready"))
    session.model_copy(update={"rpc_timeout_ms": TIMEOUT_MS}).write(folder / "session.json")
    # The wait of a leg is to be noticed at once.
    (folder / "criteria.yaml").write_text(CRITERIA.read_text().replace("limit: 30\n", "limit: 1\n"))
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
        run_id=lab.spec.run_id,
        log=folder / "up.log",
        reaper=lab.backend.reaper,
        environment={"LAB_ALERT_WEBHOOK": sink.url},
    )
    try:
        yield Live(script, sink, child, ports)
    finally:
        script.expect_equal("processes that had to be killed", child.stop(30), [])
        sink.server.shutdown()
        sink.server.server_close()


def break_everything(live: Live) -> None:
    """Five faults at once, on chains that have nothing to do with each other where that can be."""
    script, genesis_s = live.script, live.script.run.lab.genesis_time
    due = genesis_s + int(script.now_s) + 2
    a, b = rollup_address(ORIGIN), rollup_address(TARGET)
    script.inject("dead", "node_pause", chain=DEAD)
    script.inject("stalled", "halt", chain=STALLED)
    live.sink.dead = True
    legs = [(chain, PARENT, a, b, ZERO_ID) for chain in (ORIGIN, TARGET)]
    legs += [(TARGET, HOME, b, a, ZERO_ID), *((TARGET, leg, a, b, PARENT) for leg in LEGS)]
    buffers = [
        (chain, "buffer_transaction", (tx_id, origin, target, "0x01", parent, due), "operator")
        for chain, tx_id, origin, target, parent in legs
    ]
    all_ok(script, buffers)
    # Little above the limit: the fee falls by 0.4 % a block once it is over.
    limit = Thresholds().base_fee_factor_max * (load_network(ORIGIN).typical_base_fee_wei or 0)
    script.inject("dear", "base_fee_spike", chain=ORIGIN, wei=int(1.02 * limit))
    script.advance_to(due - genesis_s + 1)
    # A child once its parent is READY on the same chain.
    parents = [(ORIGIN, PARENT), (TARGET, PARENT), (TARGET, HOME)]
    for legs_due in (parents, [(TARGET, leg) for leg in LATE]):
        all_ok(script, [(chain, "resolve_dependency", (tx_id,), "operator") for chain, tx_id in legs_due])


def all_ok(script: Script, calls: list[Call]) -> None:
    """Sent at once, and each to succeed."""
    for pending in script.calls(calls):
        script.expect_ok(pending)


def hands_over(script: Script) -> bool:
    """Whether the contract lets its owner hand over."""
    return all(map(script.run.lab.spec.target.codec.has, ("propose_owner", "accept_ownership")))


def stops(script: Script) -> bool:
    """Whether the contract has an emergency stop."""
    return "stop" in script.run.lab.spec.target.capabilities


def hand_over(script: Script, owner: str, to: str) -> None:
    """Another role becomes the owner of the contract on the target."""
    script.expect_ok(script.call(TARGET, "propose_owner", role_account(to).address, role=owner))
    script.expect_ok(script.call(TARGET, "accept_ownership", role=to))


def intrude(live: Live) -> None:
    """An operator that nobody declared, who calls what is the owner's alone."""
    script = live.script
    # A count rises for Prometheus from the first that it has read.
    live.until("the target's calls to be counted", lambda: live.figure(REFUSED) is not None)
    script.expect_ok(script.call(TARGET, "add_operator", role_account("attacker").address, role="owner"))
    trespass(script)


def trespass(script: Script) -> None:
    """A call of the owner's, by another; it is refused."""
    call = ("pause",) if script.has("pause") else ("set_coordination_window", 60)
    script.call(TARGET, *call, role="attacker")


def maintain(live: Live) -> None:
    """While it lasts nobody hears of what else goes wrong; it ends by itself, and the stop that it left is an alert."""
    script, target = live.script, live.script.run.lab.spec.target
    live.until("Alertmanager", live.alertmanager.ready)
    ops = ScenarioOps(script, contracts={ORIGIN: target.address})
    begin = partial(maintenance.begin, ops.operation, ops.executor(), reason="a drill", banner=live.folder)
    report = begin(for_s=PLANNED_S, alertmanager=live.alertmanager.url)
    stopped = ", ".join(chain.standing for chain in report.chains)
    script.expect("the contract to be stopped", stopped, met=report.exit_code == 0, rows=MAINTENANCE)
    live.expect("Maintenance")
    intrude(live)
    # Who is stopped, or an operator, is seen by an event that nobody has to emit.
    names = [name for name in MEANWHILE if ALERT_EVENTS.get(name, "") in ("", *target.codec.events)]
    for name in names:
        there = live.until(name, partial(live.quiet, name))
        words = "(by a silence, by Maintenance): " + str(live.held_back(name))
        script.expect(f"{name} to fire and to be held back", words, met=there, rows=MAINTENANCE)
    arrived = [name for name in names if live.sink.find(name) is not None]
    script.expect_equal("what the team heard of meanwhile", arrived, [], rows=MAINTENANCE)
    begin(for_s=LEFT_S, alertmanager=live.alertmanager.url)
    live.expect("Maintenance", "resolved")
    live.until("the silence to end", lambda: "active" not in live.silences())
    script.expect_equal("the states of silences", set(live.silences()), {"expired"}, rows=MAINTENANCE)
    trespass(script)


def change_code(live: Live) -> Callable[[], None]:
    """A byte more, which is never run, behind the contract's code once that was read; what undoes it."""
    live.until("the code to be known", lambda: live.figure(CODE) == 1)
    chain = live.script.run.lab.chains[STALLED]
    code = chain.look().call("eth_getCode", chain.contract, "latest")
    chain.look().call("anvil_setCode", chain.contract, f"{code}00")
    return lambda: chain.look().call("anvil_setCode", chain.contract, code)


def shown_here(script: Script) -> list[str]:
    """The alerts that the contract's interface lets be raised."""
    events = script.run.lab.spec.target.codec.events
    names = [name for name in WHERE if ALERT_EVENTS.get(name, "") in ("", *events)]
    names = [name for name in names if name not in OF_STOPS or stops(script)]
    return [name for name in names if name != "OwnerChanged" or hands_over(script)]


def mend_everything(live: Live, restore_code: Callable[[], None]) -> None:
    """End what the contracts were left in."""
    script = live.script
    restore_code()
    if hands_over(script):
        hand_over(script, "newowner", "owner")
    mended: list[Call] = [
        (TARGET, "remove_operator", (role_account("attacker").address,), "owner"),
        (TARGET, "mark_executed", (HOME,), "operator"),
    ]
    all_ok(script, [*mended, *([(ORIGIN, "unpause", (), "owner")] if stops(script) else [])])


@contextmanager
def hanging(live: Live) -> Iterator[None]:
    """The exporter hangs meanwhile: nobody sees anything any more."""
    # What a busy machine raised of it before is no proof.
    live.until("an exporter that is seen", lambda: not live.firing(LAST))
    live.sink.past = len(live.sink.alerts)
    children = psutil.Process(live.child.pid).children()
    (exporter,) = [child for child in children if "lab.commands.monitor.exporting" in child.cmdline()]
    exporter.suspend()
    try:
        yield
    finally:
        exporter.resume()


def play(script: Script) -> None:
    """The faults, a maintenance while they last, what only its end lets be seen, then the end of them all."""
    with watched(script) as live:
        break_everything(live)
        if script.needs("stop", rows=MAINTENANCE):
            maintain(live)
        else:
            intrude(live)
        names = shown_here(script)
        began = names.index("ContractCodeChanged")
        for name in names[:began]:
            live.expect(name, **WHERE[name])
        for fault in ("dead", "dear", "stalled"):
            script.heal(fault)
        live.sink.dead = False
        restore_code = change_code(live)
        # What is late is told so by a resolution, too.
        ends = "expire_transaction" if script.has("expire_transaction") else "resolve_dependency"
        executed: list[Call] = [(TARGET, "mark_executed", (leg,), "operator") for leg in LATE]
        expired: list[Call] = [(TARGET, ends, (leg,), "operator") for leg in EXPIRING]
        ending = [iter(executed), iter(expired)]
        all_ok(script, [next(calls) for calls in ending])
        if hands_over(script):
            hand_over(script, "owner", "newowner")
        failing = [name for name in ("TransactionsFailing", "CoordinationTimeout") if name in names]
        live.go_on(["CrossChainSlow"], ending[0])
        live.go_on(failing, ending[1])
        all_ok(script, [call for calls in ending for call in calls])
        for name in names[began:-1]:
            live.expect(name, **WHERE[name])
        mend_everything(live, restore_code)
        for name in names:
            if name not in (ENDED_BEFORE, ENDLESS, LAST):
                live.expect(name, "resolved", **WHERE[name])
        with hanging(live):
            live.expect(LAST)
        live.expect(LAST, "resolved")


def test_live(lab_run: Callable[..., Any]) -> None:
    """Watch it, at the wall's speed: that of Prometheus and Alertmanager."""
    lab_run(SETUP, play, wall=True)
