"""The six dashboards: one description of every panel, drawn by Grafana and asked again by the tests."""

from __future__ import annotations

from collections.abc import Callable

from lab.monitor.alerting.limits import Thresholds
from lab.monitor.dashboards import traffic, upkeep
from lab.monitor.dashboards.panel import Board, Panel

_BOARDS: tuple[tuple[str, str, str, Callable[[Thresholds], tuple[Panel, ...]]], ...] = (
    ("transactions", "Transactions", "DSH-01", traffic.transactions),
    ("networks", "Networks", "DSH-02", traffic.networks),
    ("performance", "Performance", "DSH-03", traffic.performance),
    ("security", "Security", "DSH-04", upkeep.security),
    ("operators", "Operators", "DSH-05", upkeep.operators),
    ("cost", "Cost", "DSH-06", upkeep.cost),
)


def boards(limits: Thresholds) -> list[Board]:
    """All dashboards, thresholds as given."""
    return [Board(uid, f"Tesseract: {title}", row, panels(limits)) for uid, title, row, panels in _BOARDS]
