"""What `lab monitor config` writes is accepted; dashboards are as generated and keep Grafana's rules for them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from lab.commands.monitor.actions import limits_of
from lab.errors import UsageError
from lab.monitor import configuration
from lab.monitor.alerting.alerts import Thresholds, alerts
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


def test_a_panel_with_an_alert_shows_its_limit() -> None:
    """But for one whose limit is each pair's own. Red lies on the side on which the alert fires."""
    panels = [panel for board in boards(Thresholds()) for panel in board.panels if panel.alert]
    without = [panel.title for panel in panels if (panel.threshold, panel.good_from) == (None, None)]
    assert without == ["Synchronisation lag"]
    drawn = [panel for text in grafana.render(Thresholds()).values() for panel in json.loads(text)["panels"]]
    colours = {panel["title"]: panel["fieldConfig"]["defaults"]["thresholds"]["steps"] for panel in drawn}
    assert colours["Up"] == [{"color": "red", "value": None}, {"color": "green", "value": 1}]
    assert colours["Emergency stop"] == [{"color": "green", "value": None}, {"color": "red", "value": 1}]


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
