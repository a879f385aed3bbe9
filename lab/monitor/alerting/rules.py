"""The alerts as Prometheus' rules."""

from __future__ import annotations

from typing import Any

import yaml

from lab.monitor.alerting.alerts import Alert, alerts
from lab.monitor.alerting.limits import Durations, Thresholds
from lab.monitor.alerting.slow_legs import EVALUATE_EVERY_S


def rules_file(limits: Thresholds) -> dict[str, Any]:
    """The rules as Prometheus reads them."""
    span = Durations(limits.speed)
    return {
        "groups": [
            {
                "name": "tesseract",
                "interval": span(EVALUATE_EVERY_S),
                "rules": [_rule(alert, span) for alert in alerts(limits)],
            }
        ]
    }


def _rule(alert: Alert, span: Durations) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **({"for": span(alert.for_s)} if alert.for_s else {}),
        "labels": {"severity": alert.severity, "row": alert.row},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": alert.runbook,
        },
    }


def as_yaml(document: Any) -> str:
    """A document as YAML, keys in the order given."""
    return yaml.safe_dump(document, sort_keys=False, width=10_000, allow_unicode=True)
