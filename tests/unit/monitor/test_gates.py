"""What proves the rows of monitoring can fail: a broken rule, panel or log line is noticed, each by its proof."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lab.errors import EnvironmentFailure
from lab.monitor import configuration, tools
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.alerting.rules import as_yaml, rules_file
from lab.paths import COMPOSE

from .test_rules import CASES, unit_tests

SCENARIOS = COMPOSE.parent / "scenarios" / "monitoring"


def module(name: str) -> ModuleType:
    """A scenario written in Python."""
    spec = importlib.util.spec_from_file_location(f"scenario_{name}", SCENARIOS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


class Script:
    """Keeps what a scenario expects."""

    run: SimpleNamespace

    def __init__(self) -> None:
        self.unmet: list[str] = []
        self.count = 0

    def expect(self, expected: str, actual: Any, *, met: bool, because: str | None = None, rows: Any = ()) -> None:
        """As a scenario's own."""
        self.count += 1
        self.unmet += [] if met else [expected]

    def expect_equal(self, what: str, actual: Any, wanted: Any, *, because: str | None = None, rows: Any = ()) -> None:
        """As a scenario's own."""
        self.expect(what, actual, met=actual == wanted)


BROKEN = {
    "never": lambda rule: rule | {"expr": f"({rule['expr']}) and on () (vector(0) > 1)"},
    "always": lambda rule: rule | {"expr": "vector(1)", "for": "0s"},
    "far too late": lambda rule: rule | {"for": "1h"},
}


@pytest.mark.usefixtures("prometheus_tools")
@pytest.mark.parametrize("how", list(BROKEN))
def test_a_broken_rule_is_noticed(tmp_path: Path, how: str) -> None:
    """By the tests of each alert that has them, whichever way it is broken."""
    (group,) = rules_file(Thresholds())["groups"]
    for rule in group["rules"]:
        # Each with its own tests only: promtool evaluates every rule of a file for every test.
        name = rule["alert"]
        (tmp_path / f"{name}.rules.yml").write_text(as_yaml({"groups": [group | {"rules": [BROKEN[how](rule)]}]}))
        (tmp_path / f"{name}.yml").write_text(as_yaml(unit_tests(f"{name}.rules.yml", name)))
    code, output = tools.run("promtool", ["test", "rules", *(f"{name}.yml" for name in CASES)], folder=tmp_path)
    noticed = set(re.findall(r'alertname=\\*"(\w+)', output))
    assert code != 0
    assert noticed >= set(CASES), set(CASES) - noticed


@pytest.mark.usefixtures("prometheus_tools")
def test_a_rule_that_prometheus_refuses(tmp_path: Path) -> None:
    """PSC-06: one error with the tool's words."""
    configuration.write(tmp_path, "run", {}, Thresholds())
    path = tmp_path / "rules.yml"
    path.write_text(path.read_text().replace("expr: vector(1)", "expr: vector(1"))
    with pytest.raises(EnvironmentFailure, match=r"promtool .* refuses"):
        configuration.check(tmp_path)


class Fake:
    """A Prometheus that answers with prepared values, that of one expression changed."""

    start_s = 0

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def at(self, expr: str, second: float | None = None) -> dict[frozenset[tuple[str, str]], float]:
        """Labels with names in the order of their values."""
        return {
            frozenset((f"l{place}", text) for place, text in enumerate(key)): value
            for key, value in self.values[expr].items()
        }


def test_a_wrong_panel_is_noticed() -> None:
    """DSH-01 to 06: each panel's figure off by one is the one that is not met, under its row's name."""
    scenario = module("test_dashboards")
    wanted = {key: {("polygon",): 3.0} for key in scenario.PANELS if key != scenario.BY_BUCKET}
    right = {scenario.PANELS[key][1].expr: values for key, values in wanted.items()}
    script = Script()
    scenario.compare(script, Fake(right), wanted)
    assert (script.unmet, script.count) == ([], len(wanted))
    for key, (_, panel) in scenario.PANELS.items():
        if key == scenario.BY_BUCKET:
            continue
        for wrong in ({("polygon",): 4.0}, {}, {("polygon",): 3.0, ("base",): 3.0}):
            script = Script()
            scenario.compare(script, Fake(right | {panel.expr: wrong}), wanted)
            (unmet,) = script.unmet
            assert unmet.startswith(panel.title)


def test_a_panel_without_a_figure_to_compare_with_is_noticed() -> None:
    """A new panel needs its figure."""
    scenario = module("test_dashboards")
    script = Script()
    everything = {panel.expr: {("polygon",): 3.0} for _, panel in scenario.PANELS.values()}
    scenario.compare(script, Fake(everything), {})
    assert len(script.unmet) == len(scenario.PANELS) - 1


@pytest.mark.parametrize("lost", [None, 0, 1, "run"])
def test_a_lost_line_is_noticed(monkeypatch: pytest.MonkeyPatch, lost: int | str | None) -> None:
    """INF-03: a call or an event that is not in the log, or a line that does not say of which run it is."""
    scenario = module("test_logs")
    lines: list[dict[str, Any]] = [
        {"ts": 1, "run": "r", "chain": "polygon", "event": "call", "tx": "0x1", "block": 7},
        {"ts": 1, "run": "r", "chain": "polygon", "event": "TransactionBuffered", "tx": "0x1", "block": 7},
    ]
    if isinstance(lost, int):
        del lines[lost]
    elif lost is not None:
        lines[0][lost] = "another"
    script = Script()
    target = SimpleNamespace(address="0xc")
    script.run = SimpleNamespace(
        monitor=SimpleNamespace(lines=lines),
        item=SimpleNamespace(item="r"),
        lab=SimpleNamespace(spec=SimpleNamespace(target=target)),
    )
    monkeypatch.setattr(scenario, "events_of", lambda script, receipt: ["TransactionBuffered"])
    scenario.judge_log(script, {"polygon": [{"transactionHash": "0x1", "to": "0xc", "blockNumber": "0x7"}]})
    assert len(script.unmet) == (0 if lost is None else 1)
