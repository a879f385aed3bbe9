"""The operations manual: every command has its place, and a drill that is named for one goes through its code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from lab.cli import app
from lab.monitor.alerting.alerts import Alert, alerts
from lab.monitor.alerting.limits import Thresholds
from lab.paths import DOCS, SCENARIOS

MANUAL = (DOCS / "operations.md").read_text(encoding="utf-8")
MONITORING = (DOCS / "monitoring.md").read_text(encoding="utf-8")
ALERTS = alerts(Thresholds())
SECTIONS = dict(re.findall(r"^## `lab ops ([\w-]+)`\n(.*?)(?=^## |\Z)", MANUAL, re.MULTILINE | re.DOTALL))
COMMANDS = getattr(get_command(app), "commands", {})["ops"].commands
# What a command calls, of which a drill has to call each, too.
CODE = {
    "operators": ("AddOperator(", "RemoveOperator(", "look_at_operators("),
    "pause": ("Pause()",),
    "unpause": ("Unpause()",),
    "revoke": ('name="revoke"',),
    "drift": ("look_for_drift(",),
    "health": ("look_at_health(", "health_findings("),
    "backup": ("take(", "backups.write("),
    "restore": ("Restoration(",),
    "migrate": ("Migration(",),
    "rotate": ("rotate_operator(", "ProposeOwner(", "AcceptOwner("),
    "maintenance": (" begin(", " end("),
}


def test_every_command_has_a_section() -> None:
    """And each of its parts is named there."""
    assert sorted(SECTIONS) == sorted(COMMANDS) == sorted(CODE)
    for name, command in COMMANDS.items():
        for part in getattr(command, "commands", {}):
            assert re.search(rf"\b{part}\b", SECTIONS[name], re.IGNORECASE), f"lab ops {name} {part}"


@pytest.mark.parametrize("name", CODE)
def test_a_drill_goes_through_its_command(name: str) -> None:
    """What is proven is what is used: the drills that a section names call the code of the command."""
    drills = {Path(SCENARIOS.parent / path) for path in re.findall(r"scenarios/drills/\w+\.py", SECTIONS[name])}
    text = "".join(path.read_text(encoding="utf-8") for path in drills)
    assert [call for call in CODE[name] if call not in text] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_an_alert_calls_for_every_command(name: str) -> None:
    """Its section names those that do, and no other."""
    calling = {alert.name.lower() for alert in ALERTS if name in alert.commands}
    assert calling, "an operator who is woken has to be told of it"
    said = SECTIONS[name].lstrip().partition("\n")[0]
    assert said.startswith("Alert")
    assert set(re.findall(r"\(monitoring\.md#(\w+)\)", said)) == calling


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_leads_to_its_commands(alert: Alert) -> None:
    """What it has an operator do is what it leads to: each command's section, by the rule that of the first."""
    assert tuple(dict.fromkeys(re.findall(r"`lab ops ([\w-]+)", alert.action))) == alert.commands
    told = re.search(rf"^### {alert.name}\n(.*?)(?=^##)", MONITORING, re.MULTILINE | re.DOTALL)
    assert told is not None
    assert re.findall(r"\(operations\.md#lab-ops-([\w-]+)\)", told[1]) == list(alert.commands)
    first = f"operations.md#lab-ops-{alert.commands[0]}" if alert.commands else f"monitoring.md#{alert.name.lower()}"
    assert alert.runbook == f"docs/{first}"
    parts = {name: getattr(COMMANDS[name], "commands", {}) for name in alert.commands}
    for name, part in re.findall(r"`lab ops ([\w-]+) ([a-z]+)", alert.action):
        assert part in parts[name]
