"""The operations manual: every command has its place, and a drill that is named for one goes through its code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from lab.cli import app
from lab.monitor.alerting.alerts import Thresholds, alerts
from lab.paths import DOCS, SCENARIOS

MANUAL = (DOCS / "operations.md").read_text(encoding="utf-8")
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


def test_an_alert_leads_to_a_command_that_is_there() -> None:
    """To its section, which leads back."""
    for alert in alerts(Thresholds()):
        if alert.command:
            assert alert.runbook == f"docs/operations.md#lab-ops-{alert.command}"
            assert f"monitoring.md#{alert.name.lower()}" in SECTIONS[alert.command]
            assert f"`lab ops {alert.command}" in alert.action, alert.name


@pytest.mark.parametrize("name", CODE)
def test_every_section_says_which_alert_calls_for_it(name: str) -> None:
    """The alerts that name the command, and no other; where none does that is said."""
    calling = {alert.name.lower() for alert in alerts(Thresholds()) if alert.command == name}
    named = re.search(r"^Alerts? that calls? for it: (.*)$", SECTIONS[name], re.MULTILINE)
    linked = set(re.findall(r"monitoring\.md#(\w+)", named[1])) if named else set()
    assert linked == calling
    assert ("No alert calls for it" in SECTIONS[name]) is not bool(calling)
