"""What `lab monitor config` writes is accepted; dashboards are as generated and keep Grafana's rules for them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.commands.monitor.actions import limits_of
from lab.errors import UsageError
from lab.monitor import configuration
from lab.monitor.alerting.alerts import alerts
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.dashboards import grafana
from lab.monitor.dashboards.boards import boards
from lab.monitor.metrics import METRICS, PREFIX
from lab.paths import COMPOSE
from lab.report.catalogue.criteria_definitions import CRITERIA

COMMITTED = COMPOSE / "grafana/dashboards"


@pytest.mark.usefixtures("prometheus_tools")
def test_the_tools_accept_what_is_written(tmp_path: Path) -> None:
    """Scrape configuration, rules and routes, each by its own tool, readable by the owner only."""
    environment = {"LAB_ALERT_WEBHOOK": "http://127.0.0.1:9/secret"}
    written = configuration.write(tmp_path / "out", "run", environment, Thresholds())
    assert len(configuration.check(tmp_path / "out")) == 3
    assert {path.stat().st_mode & 0o077 for path in written if path.suffix == ".yml"} == {0}
    assert sum(path.suffix == ".json" for path in written) == 6


def test_committed_dashboards_are_as_generated() -> None:
    """Write them again with `python -m lab.monitor.dashboards.grafana`."""
    assert grafana.drift(COMMITTED, Thresholds()) == []


def test_a_dashboard_edited_by_hand_is_named(tmp_path: Path) -> None:
    """And not overwritten unasked."""
    grafana.write(tmp_path, Thresholds())
    (tmp_path / "cost.json").write_bytes(b"\xff")
    assert grafana.drift(tmp_path, Thresholds()) == ["cost.json"]
    with pytest.raises(UsageError, match=r"cost\.json"):
        grafana.write(tmp_path, Thresholds())
    grafana.write(tmp_path, Thresholds(), overwrite=True)
    assert grafana.drift(tmp_path, Thresholds()) == []


def test_dashboards_keep_the_linter_s_rules() -> None:
    """Templated data source, title, description and unit on every panel, unique ids, links, metrics that exist."""
    uids = []
    for text in grafana.render(Thresholds()).values():
        board = json.loads(text)
        uids.append(board["uid"])
        assert {variable["name"] for variable in board["templating"]["list"]} == {"datasource", "chain"}
        assert board["links"]
        assert not board["editable"]
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        for panel in board["panels"]:
            assert panel["title"]
            assert panel["description"].endswith(".")
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert panel["datasource"]["uid"] == "${datasource}"
            for target in panel["targets"]:
                assert target["datasource"]["uid"] == "${datasource}"
                for name in re.findall(rf"{PREFIX}(\w+)", target["expr"]):
                    assert re.sub("_(bucket|sum|count)$", "", name) in METRICS
    assert len(set(uids)) == 6


def drawn_panels() -> dict[str, dict[str, Any]]:
    """Grafana's panels by title."""
    return {
        panel["title"]: panel for text in grafana.render(Thresholds()).values() for panel in json.loads(text)["panels"]
    }


def test_every_panel_has_a_limit_and_says_where_it_comes_from() -> None:
    """A value for all series or a series for each, with words; what is a number there moves with what is configured."""
    panels = [panel for board in boards(Thresholds()) for panel in board.panels]
    assert len(panels) == 33
    for panel in panels:
        assert (panel.limit.value is None) == bool(panel.limit.expr), panel.title
        assert f" Limit: {panel.limit.why}." in panel.description
    other = Thresholds(
        failed_share_max=0.02,
        cross_chain_s_max=45,
        oldest_intent_s_max=61,
        base_fee_factor_max=6,
        stalled_s_max=62,
        cost_usd_max=3,
        transactions_per_s=7,
    )
    moved = [panel for board in boards(other) for panel in board.panels]
    fixed = [one.title for one, two in zip(panels, moved, strict=True) if one.limit == two.limit]
    # What must not be at all, or must always be; the contract's own figures; a share of those that were slow.
    assert fixed == [
        "Overdue", "Events", "Up", "Reorgs", "Slow legs, share", "Stages, mean", "Unauthorised calls", "Contract code",
        "Owner", "Emergency stop", "Circuit breaker", "Operators", "Undeclared operators", "Relayer", "Maintenance",
    ]  # fmt: skip


def test_every_limit_is_drawn() -> None:
    """A value as a line between two colours, red on the side on which it alerts; a series of its own dashed and red."""
    drawn = drawn_panels()
    for panel in (panel for board in boards(Thresholds()) for panel in board.panels):
        found = drawn[panel.title]
        defaults, queries = found["fieldConfig"]["defaults"], {one["refId"]: one for one in found["targets"]}
        steps, style = defaults["thresholds"]["steps"], defaults["custom"]["thresholdsStyle"]["mode"]
        if panel.limit.value is not None:
            colours = ["red", "green"] if panel.limit.good_above else ["green", "red"]
            assert [step["color"] for step in steps] == colours
            assert (steps[1]["value"], style, list(queries)) == (panel.limit.value, "line", ["A"])
        else:
            assert (queries["B"]["expr"], queries["B"]["legendFormat"]) == (panel.limit.expr, panel.limit.legend)
            (override,) = found["fieldConfig"]["overrides"]
            assert override["matcher"] == {"id": "byFrameRefID", "options": "B"}
            properties = {one["id"]: one["value"] for one in override["properties"]}
            assert properties["custom.lineStyle"]["fill"] == "dash"
            assert properties["color"]["fixedColor"] == "red"
    assert drawn["Up"]["fieldConfig"]["defaults"]["thresholds"]["steps"][1] == {"color": "green", "value": 1}


def test_a_panel_s_limit_is_that_of_its_alert() -> None:
    """A series that a rule compares with is the panel's own; a number in a rule is the panel's value."""
    rules = {alert.name: alert.expr for alert in alerts(Thresholds(oldest_intent_s_max=61))}
    panels = [panel for board in boards(Thresholds(oldest_intent_s_max=61)) for panel in board.panels if panel.alert]
    by_title = {panel.title: re.sub(r"{[^}]*\$chain[^}]*}", "", panel.limit.expr) for panel in panels}
    for title in ("Age of the head", "Base fee", "Synchronisation lag"):
        (alert,) = [panel.alert for panel in panels if panel.title == title]
        assert rules[str(alert)].endswith(f"> {by_title[title]}")
    for panel in panels:
        numbers = [float(number) for number in re.findall(r"[<>=] ([0-9.]+)", rules[str(panel.alert)])]
        if panel.limit.value is not None and panel.alert in ("RelayerBacklog", "CrossChainSlow", "TransactionsFailing"):
            assert panel.limit.value in numbers


def test_every_panel_s_alert_exists() -> None:
    """By its name."""
    names = {alert.name for alert in alerts(Thresholds())}
    named = {panel.alert for board in boards(Thresholds()) for panel in board.panels if panel.alert}
    assert named <= names


def test_compose_listens_on_this_machine_only() -> None:
    """No service publishes a port or listens elsewhere; images are named with a version."""
    services = yaml.safe_load((COMPOSE / "monitoring.yml").read_text())["services"]
    assert set(services) == {"exporter", "prometheus", "alertmanager", "grafana"}
    for service in services.values():
        assert "ports" not in service
        assert re.fullmatch(r"\$\{LAB_\w+_IMAGE:-[\w/.-]+:[\w.]+\}", service["image"])
    for name in ("prometheus", "alertmanager"):
        assert any("127.0.0.1:" in word for word in services[name]["command"])


def test_limits_that_nobody_changed_are_those_of_the_criteria(tmp_path: Path) -> None:
    """What `lab monitor page` and the committed dashboards have; a criterion without its limit is named."""
    assert limits_of(None, 1) == Thresholds()
    path, text = tmp_path / "criteria.yaml", CRITERIA.read_text()
    path.write_text(text.replace("    limit: 1000\n", ""))
    with pytest.raises(UsageError, match=r"there is none for TEC-04"):
        limits_of(path, 1)
    other = tmp_path / "other.yaml"
    other.write_text(text.replace("limit: 1\n    unit: USD", "limit: 2\n    unit: USD"))
    assert limits_of(other, 1) == Thresholds(cost_usd_max=2)


def test_a_limit_of_slow_legs_that_no_bucket_has_is_refused(tmp_path: Path) -> None:
    """With the file, the row, what it may be and what it was; one that a bucket has is taken."""
    path, text = tmp_path / "criteria.yaml", CRITERIA.read_text()
    assert text.count("limit: 30\n") == 1
    path.write_text(text.replace("limit: 30\n", "limit: 33\n"))
    with pytest.raises(UsageError, match=r"criteria.yaml: limit of TEC-02: expected one of 1, .*, got 33"):
        limits_of(path, 1)
    other = tmp_path / "other.yaml"
    other.write_text(text.replace("limit: 30\n", "limit: 45\n"))
    assert limits_of(other, 1).cross_chain_s_max == 45
