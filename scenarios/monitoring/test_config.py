"""The configuration of monitoring is generated from a session, checked by Prometheus' tools, and loaded by them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lab.commands.monitor.actions import configure, limits_of
from lab.monitor.alerting.alerts import alerts
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.configuration import Addresses
from lab.monitor.dashboards import grafana
from lab.monitor.servers import Server, alertmanager_command, free_ports, prometheus_command, running
from lab.runner.script import Script
from lab.scenario.item import RelayerSpec

SETUP = """
name: Monitoring configures itself from a session file
description: >
  `lab monitor config` writes scrape configuration, rules, routes and dashboards of a deployment. promtool and amtool
  accept them, Prometheus and Alertmanager load them: every rule is there, the target, and Alertmanager.
rows: [PSC-06]
networks: {optimism: {}}
relayer: none
timeout: 10m
monitor: true
checks: []
"""


WAIT_S = 60


def play(script: Script) -> None:
    """Generate, check, load, and ask the servers what they loaded."""
    lab = script.run.lab
    folder = lab.spec.folder / "config"
    folder.mkdir()
    session = folder / "session.json"
    lab.session({name: chain.node.url for name, chain in lab.chains.items()}, RelayerSpec(2_000, "ready")).write(
        session
    )
    exporter, prometheus, alertmanager = free_ports(3)
    limits = limits_of(None, 1)
    lines = configure(session, folder, limits, Addresses(f"127.0.0.1:{exporter}", f"127.0.0.1:{alertmanager}"))
    accepted = [line for line in lines if line.endswith("accepted")]
    script.expect_equal("files that promtool and amtool accept", len(accepted), 3)
    script.expect_equal("dashboards not as described", grafana.drift(folder / "dashboards", limits), [])
    reaper = lab.backend.reaper
    with (
        running(alertmanager_command(alertmanager), alertmanager, folder, reaper) as routes,
        running(prometheus_command(prometheus), prometheus, folder, reaper) as rules,
    ):
        loaded(script, rules, routes, limits)
        # Discovery takes a moment.
        deadline = time.monotonic() + WAIT_S
        targets, known = list[Any](), list[Any]()
        while not (targets and known) and time.monotonic() < deadline:
            targets = rules.get("/api/v1/targets")["data"]["activeTargets"]
            known = rules.get("/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
            time.sleep(0.1)
        expected = {"instance": f"127.0.0.1:{exporter}", "job": "tesseract", "deployment": lab.spec.run_id}
        script.expect_equal("the targets", [target["labels"] for target in targets], [expected])
        met = bool(known) and all(f":{alertmanager}/" in one["url"] for one in known)
        script.expect("Alertmanager to be known", known or "not yet", met=met)


def loaded(script: Script, rules: Server, routes: Server, limits: Thresholds) -> None:
    """Every alert is a rule of Prometheus, and Alertmanager has the routes."""
    groups = rules.get("/api/v1/rules")["data"]["groups"]
    names = {rule["name"] for group in groups for rule in group["rules"]}
    script.expect_equal("alerts loaded", sorted(names), sorted(alert.name for alert in alerts(limits)))
    text = routes.get("/api/v2/status")["config"]["original"]
    script.expect("routes with inhibition by maintenance", "loaded", met='alertname="Maintenance"' in text)


def test_config(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Configure it."""
    lab_run(SETUP, play)
