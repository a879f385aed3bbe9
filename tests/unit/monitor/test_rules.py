"""Each alert on both sides of its threshold and of its `for`, by promtool; routes by amtool; names by the catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.errors import UsageError
from lab.monitor import tools
from lab.monitor.alerting.alerts import alerts
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.alerting.routes import routes_file
from lab.monitor.alerting.rules import as_yaml, rules_file
from lab.monitor.dashboards.boards import boards
from lab.monitor.docs import filled
from lab.monitor.metrics import DELAY_SECONDS, METRICS, PREFIX, Distribution

ALERTS = {alert.name: alert for alert in alerts(Thresholds())}
DOCUMENT = Path(__file__).parents[3] / "docs/monitoring.md"
PAIR = '{origin="ethereum", target="optimism"}'


@dataclass(frozen=True)
class Case:
    """Series at 15 s: with `silent` the alert never comes; with `firing` it comes at `fires`, and not at `before`."""

    silent: dict[str, str]
    firing: dict[str, str]
    before: str
    fires: str


def series(name: str, values: str, labels: str = '{chain="base"}') -> dict[str, str]:
    """One series of the exporter."""
    return {f"{PREFIX}{name}{labels}": values}


def buckets(within: str, every: str, bound: str = "30") -> dict[str, str]:
    """Legs of a pair: how many came within the limit, and how many in all, of which the others took up to 40 s more."""
    name, labels = "cross_chain_delay_seconds", '{{origin="ethereum", target="optimism", le="{}"}}'
    return {
        **series(f"{name}_bucket", "0x80", labels.format("25")),
        **series(f"{name}_bucket", within, labels.format(bound)),
        **series(f"{name}_bucket", every, labels.format("40")),
        **series(f"{name}_bucket", every, labels.format("+Inf")),
        **series(f"{name}_count", every, PAIR),
    }


FAILED = '{chain="base", reason="execution"}'
EXPIRED = '{chain="base", reason="expired"}'
BUFFERED = '{chain="base", event="TransactionBuffered"}'
UNAUTHORIZED = '{chain="base", function="pause"}'
# The first failing sample comes at 1m: index 4.
CASES: dict[str, Case] = {
    "ChainDown": Case(series("chain_up", "1x4 0x3 1x40"), series("chain_up", "1x3 0x40"), "1m45s", "2m"),
    "ChainStalled": Case(
        {**series("chain_head_timestamp_seconds", "0x80"), **series("chain_block_time_seconds", "12x80")}
        | series("chain_head_timestamp_seconds", "0+12x80"),
        {**series("chain_head_timestamp_seconds", "0x80"), **series("chain_block_time_seconds", "12x80")},
        "2m30s",
        "2m45s",
    ),
    "RelayerDown": Case(series("relayer_up", "1x4 0x3 1x40", ""), series("relayer_up", "1x3 0x40", ""), "1m45s", "2m"),
    "TransactionsFailing": Case(
        series("transactions_failed_total", "0x3 1x40", FAILED) | series("events_total", "0+40x40", BUFFERED),
        series("transactions_failed_total", "0x3 1x40", FAILED) | series("events_total", "0+2x40", BUFFERED),
        "1m45s",
        "2m",
    ),
    "ContractCodeChanged": Case(
        series("contract_code_matches", "1x40"), series("contract_code_matches", "1x3 0x40"), "45s", "1m"
    ),
    "ContractPaused": Case(series("contract_paused", "0x40"), series("contract_paused", "0x3 1x40"), "45s", "1m"),
    "CrossChainSlow": Case(buckets("0+19x80", "0+20x80"), buckets("0+9x80", "0+10x80"), "5m", "5m15s"),
    "CrossChainStuck": Case(
        series("sync_lag_seconds", "72x40", PAIR) | series("cross_chain_allowance_seconds", "42x80", PAIR),
        series("sync_lag_seconds", "0x3 73x40", PAIR) | series("cross_chain_allowance_seconds", "42x80", PAIR),
        "1m15s",
        "1m30s",
    ),
    "RelayerBacklog": Case(
        series("relayer_oldest_intent_seconds", "60x40", ""),
        series("relayer_oldest_intent_seconds", "0x3 61x40", ""),
        "1m15s",
        "1m30s",
    ),
    "UnauthorizedCalls": Case(
        series("unauthorized_calls_total", "5x40", UNAUTHORIZED),
        series("unauthorized_calls_total", "5x3 6x40", UNAUTHORIZED),
        "45s",
        "1m",
    ),
    "UndeclaredOperator": Case(
        series("operators_undeclared", "0x40"), series("operators_undeclared", "0x3 1x40"), "45s", "1m"
    ),
    "OwnerChanged": Case(
        series("contract_owner_matches", "1x40"), series("contract_owner_matches", "1x3 0x40"), "45s", "1m"
    ),
    "BaseFeeHigh": Case(
        series("chain_base_fee_wei", "500x40") | series("chain_base_fee_typical_wei", "100x80"),
        series("chain_base_fee_wei", "500x3 501x40") | series("chain_base_fee_typical_wei", "100x80"),
        "5m45s",
        "6m",
    ),
    "LegsOverdue": Case(series("legs_overdue", "0x4 1 0x40"), series("legs_overdue", "0x3 1x40"), "1m15s", "1m30s"),
    "CoordinationTimeout": Case(
        series("transactions_failed_total", "0x40", EXPIRED),
        series("transactions_failed_total", "0x3 1x40", EXPIRED),
        "45s",
        "1m",
    ),
    "Maintenance": Case(series("maintenance", "0x40", ""), series("maintenance", "0x3 1x40", ""), "45s", "1m"),
    "CollectorStale": Case(
        series("collect_last_success_timestamp_seconds", "0x40")
        | series("chain_up", "0x40")
        | series("build_info", "1x80", ""),
        series("collect_last_success_timestamp_seconds", "0x40") | series("build_info", "1x80", ""),
        "3m",
        "3m15s",
    ),
}
START, SUCCESS = "collect_start_timestamp_seconds", "collect_last_success_timestamp_seconds"
INFO = series("build_info", "1x80", "")
OTHER = '{chain="optimism"}'
# More sides of one alert, by what tells them apart. Both chains count apart: one was read in full, the other never.
MORE: dict[str, tuple[str, Case]] = {
    # 4% are slow, as all were before that. Of each series alone Prometheus extrapolates another increase: that were 6%.
    "slow before": (
        "CrossChainSlow",
        Case(buckets("0+96x80", "1000+100x80"), buckets("0+94x80", "1000+100x80"), "5m", "5m15s"),
    ),
    # As Prometheus 3 keeps a bound.
    "bound 30.0": (
        "CrossChainSlow",
        Case(buckets("0+19x80", "0+20x80", "30.0"), buckets("0+9x80", "0+10x80", "30.0"), "5m", "5m15s"),
    ),
    "without a job": (
        "RelayerBacklog",
        Case(
            series("relayer_oldest_intent_seconds", "0x80", "") | series("legs_waiting_seconds", "0x3 15+15x3 0x70"),
            series("relayer_oldest_intent_seconds", "0x80", "") | series("legs_waiting_seconds", "0x3 61x40"),
            "1m15s",
            "1m30s",
        ),
    ),
    "never read in full": (
        "CollectorStale",
        Case(
            series(START, "0x80") | series(SUCCESS, "_x10 150+15x60") | INFO,
            series(START, "0x80") | series(START, "0x80", OTHER) | series(SUCCESS, "0+15x80", OTHER) | INFO,
            "3m",
            "3m15s",
        ),
    ),
    "down since the start": (
        "CollectorStale",
        Case(
            series(START, "0x80") | series("chain_up", "0x80") | INFO,
            series(START, "0x80") | series("chain_up", "0x80") | series(START, "0x80", OTHER) | INFO,
            "3m",
            "3m15s",
        ),
    ),
    "restarted": (
        "CollectorStale",
        Case(
            series(SUCCESS, "0+15x9 stale _x7 270+15x60") | series(START, "0x9 150x80") | INFO,
            series(SUCCESS, "0+15x3 stale") | series(START, "0x3 60x80") | INFO,
            "4m",
            "4m15s",
        ),
    ),
}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The production rules."""
    path = tmp_path / "rules.yml"
    path.write_text(as_yaml(rules_file(Thresholds())))
    return path


def test_every_alert_has_its_case() -> None:
    """But the watchdog, which has no other side."""
    assert set(CASES) == set(ALERTS) - {"Watchdog"}


def unit_tests(rules: str, *names: str) -> dict[str, Any]:
    """Both sides of every case, or of those named, as `promtool test rules` reads them beside the file `rules`."""
    tests = []
    both = [(name, "", case) for name, case in CASES.items()] + [
        (name, f", {of}", case) for of, (name, case) in MORE.items()
    ]
    for name, of, case in both:
        if names and name not in names:
            continue
        firing = [(case.before, False), (case.fires, True)]
        for kind, values, times in (
            ("silent", case.silent, [(f"{minute}m", False) for minute in range(1, 10)]),
            ("firing", case.firing, firing),
        ):
            tests.append(
                {
                    "name": f"{name} {kind}{of}",
                    "interval": "15s",
                    "input_series": [{"series": key, "values": text} for key, text in values.items()],
                    "promql_expr_test": [
                        {
                            "expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) or vector(0)',
                            "eval_time": at,
                            "exp_samples": [{"value": int(fires)}],
                        }
                        for at, fires in times
                    ],
                }
            )
    return {"rule_files": [rules], "evaluation_interval": "15s", "tests": tests}


@pytest.mark.usefixtures("prometheus_tools")
def test_rules_fire_and_stay_silent(rules: Path, tmp_path: Path) -> None:
    """All cases in one run of promtool, which evaluates the production rules with their production `for`."""
    path = tmp_path / "tests.yml"
    path.write_text(as_yaml(unit_tests(rules.name)))
    code, output = tools.run("promtool", ["test", "rules", path.name], folder=tmp_path)
    assert code == 0, output


@pytest.mark.usefixtures("prometheus_tools")
@pytest.mark.parametrize("speed", [1, 7.5, 60, 1000])
def test_rules_and_routes_are_valid_at_every_speed(tmp_path: Path, speed: float) -> None:
    """As Prometheus' and Alertmanager's own tools read them."""
    (tmp_path / "rules.yml").write_text(as_yaml(rules_file(Thresholds(speed=speed))))
    code, output = tools.run("promtool", ["check", "rules", "rules.yml"], folder=tmp_path)
    assert (code, f"{len(ALERTS)} rules found" in output) == (0, True), output
    environment = {
        "LAB_ALERT_WEBHOOK": "http://127.0.0.1:9/",
        "LAB_ALERT_SLACK_URL_FILE": "/run/secrets/slack",
        "LAB_ALERT_SLACK_CHANNEL": "#on-call",
        "LAB_ALERT_MAIL_TO": "a@example.org",
        "LAB_ALERT_MAIL_FROM": "b@example.org",
        "LAB_ALERT_SMTP_HOST": "mail.example.org:587",
        "LAB_ALERT_SMTP_USER": "b",
        "LAB_ALERT_SMTP_PASSWORD_FILE": "/run/secrets/smtp",
    }
    for given in ({}, environment):
        (tmp_path / "alertmanager.yml").write_text(as_yaml(routes_file(given, speed)))
        code, output = tools.run("amtool", ["check-config", "alertmanager.yml"], folder=tmp_path)
        assert code == 0, output


@pytest.mark.usefixtures("prometheus_tools")
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [("alertname=ChainDown severity=critical chain=base", "team"), ("alertname=Watchdog severity=none", "watchdog")],
)
def test_alerts_find_their_receiver(tmp_path: Path, labels: str, receiver: str) -> None:
    """By amtool, which walks the routes as Alertmanager does."""
    (tmp_path / "alertmanager.yml").write_text(as_yaml(routes_file({})))
    code, output = tools.run(
        "amtool", ["config", "routes", "test", "--config.file=alertmanager.yml", *labels.split()], folder=tmp_path
    )
    assert (code, output.splitlines()[0]) == (0, receiver)


def test_rules_ask_for_metrics_that_exist() -> None:
    """A misspelt metric would make an alert that never fires."""
    suffixes = ("_bucket", "_sum", "_count")
    for alert in ALERTS.values():
        for name in re.findall(rf"{PREFIX}(\w+)", alert.expr):
            base = next((name.removesuffix(s) for s in suffixes if name.endswith(s)), name)
            assert name in METRICS or METRICS[base].kind == "histogram", (alert.name, name)


def test_every_alert_says_what_to_do_and_where() -> None:
    """Value and limit in its description, a severity, a row, and a section of the runbook."""
    (group,) = rules_file(Thresholds())["groups"]
    runbook = DOCUMENT.read_text()
    assert filled(runbook) == runbook, "python -m lab.monitor.docs docs/monitoring.md"
    for rule in group["rules"]:
        alert = ALERTS[rule["alert"]]
        if alert.name != "Watchdog":
            assert "$value" in rule["annotations"]["description"]
        assert rule["annotations"]["runbook_url"] == alert.runbook
        assert f"### {alert.name}\n" in runbook
        assert alert.action in runbook
    assert {alert.row for alert in ALERTS.values()} >= {f"ALR-0{number}" for number in range(1, 7)}


def test_a_receiver_given_by_half_is_refused() -> None:
    """With the name that lacks; the values, which may be secret, are not quoted."""
    with pytest.raises(UsageError, match="LAB_ALERT_SLACK_CHANNEL"):
        routes_file({"LAB_ALERT_SLACK_URL_FILE": "/secret/place"})
    with pytest.raises(UsageError, match="LAB_ALERT_SMTP_PASSWORD_FILE"):
        routes_file(
            {"LAB_ALERT_MAIL_TO": "a@b", "LAB_ALERT_MAIL_FROM": "a@b", "LAB_ALERT_SMTP_HOST": "h:1"}
            | {"LAB_ALERT_SMTP_USER": "u"}
        )
    with pytest.raises(UsageError) as caught:
        routes_file({"LAB_ALERT_WEBHOOK": "hooks.example.org/secret"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("seconds", DELAY_SECONDS)
def test_the_limit_of_slow_legs_is_a_bound_of_their_histogram(seconds: float) -> None:
    """Each that may be set picks the one series that counts up to it, also as Prometheus 3 writes it."""
    ((expr,),) = [
        re.findall(r'le=~"([^"]+)"', alert.expr)
        for alert in alerts(Thresholds(cross_chain_s_max=seconds))
        if alert.name == "CrossChainSlow"
    ]
    counts = Distribution.empty("cross_chain_delay_seconds").cumulative("cross_chain_delay_seconds")
    bounds = [bound for bound, _ in counts] + [f"{bound:.1f}" for bound in DELAY_SECONDS]
    assert [bound for bound in bounds if re.fullmatch(expr, bound)] == [f"{seconds:g}", f"{seconds:.1f}"]


@pytest.mark.parametrize("seconds", [33.0, 29.9, 601.0])
def test_a_limit_between_two_bounds_is_refused(seconds: float) -> None:
    """Nobody can tell how many legs were slower; a rule that asks for such a series would never fire."""
    with pytest.raises(ValueError, match=r"expected one of 1, 2, 5, .* s, the bounds by which"):
        Thresholds(cross_chain_s_max=seconds)


def test_no_rule_reads_a_percentile_out_of_buckets() -> None:
    """It is a guess between two bounds, and a limit between them is passed by a guess: a panel says so."""
    assert not [alert.name for alert in ALERTS.values() if "histogram_quantile" in alert.expr]
    panels = [panel for board in boards(Thresholds()) for panel in board.panels]
    guesses = [panel for panel in panels if "histogram_quantile" in panel.expr]
    assert [panel.alert for panel in guesses] == [None]
    assert "between two bounds" in guesses[0].description


def test_thresholds_move_the_rules() -> None:
    """What a deployment sets is what the rules ask."""
    text = yaml.safe_dump(rules_file(Thresholds(base_fee_factor_max=9, oldest_intent_s_max=77)))
    assert "> 9 * tesseract_chain_base_fee_typical_wei" in text
    assert "relayer_oldest_intent_seconds > 77" in text
