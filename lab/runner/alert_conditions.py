"""Conditions on alerts: what Prometheus' rules gave for the samples of the run so far."""

from __future__ import annotations

from lab.monitor.alerting.alerts import alerts
from lab.monitor.alerting.limits import Thresholds
from lab.runner.conditions import Judged
from lab.runner.run import Run
from lab.scenario.expectations import AlertExpectation
from lab.scenario.item import ScenarioItem

ROWS = {alert.name: alert.row for alert in alerts(Thresholds())}


def rows_of(item: ScenarioItem, condition: AlertExpectation) -> tuple[str, ...]:
    """The alert's row, if the scenario serves it: no other depends on whether it fires."""
    row = ROWS.get(condition.alert or "")
    return (row,) if row in item.rows and row is not None else ()


def judge_alert(run: Run, condition: AlertExpectation, since_ms: int) -> Judged:
    """Look at the samples taken up to now: one that fired at some time since `since_ms` counts as firing."""
    where = f" on {condition.chain}" if condition.chain else ""
    expected = "no alert fired" if condition.no_alerts else f"{condition.alert} {condition.state}{where}"
    if run.monitor is None:
        return Judged(None, expected, "nothing watched the run: the scenario needs `monitor: true`")
    fired = [span for span in run.monitor.spans() if span.firing_s is not None]
    if condition.no_alerts:
        woke = [f"{span} at {span.firing_s} s" for span in fired if span.severity != "none"]
        return Judged(not woke, expected, "; ".join(woke) or "none fired")
    mine = [s for s in fired if s.alert == condition.alert and condition.chain in (None, *s.labels.values())]
    now = [str(span) for span in fired if span.end_s is None]
    ended = bool(mine) and all(span.end_s is not None for span in mine)
    firing = any(span.end_s is None or span.end_s * 1000 > since_ms for span in mine)
    met = ended if condition.state == "resolved" else firing
    return Judged(met, expected, f"firing: {', '.join(now) or 'none'}")
