"""The dashboards as Grafana reads them: templated data source, chain selector, links, a unit on every panel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.bounded_files import read_bytes, write_atomically
from lab.errors import UsageError
from lab.monitor.alerting.alerts import P
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.dashboards.boards import boards
from lab.monitor.dashboards.panel import Board, Panel
from lab.paths import COMPOSE

SCHEMA_VERSION = 39
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 12, 8
# Grafana's own names of units; wei has none.
UNITS = {"wei": "suffix: wei"}
# Queries of a panel: what it shows, and its limit where that is another one for each series.
SHOWN, LIMIT = "A", "B"
DASHED = {
    "matcher": {"id": "byFrameRefID", "options": LIMIT},
    "properties": [
        {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [6, 4]}},
        {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
    ],
}


def dashboard(board: Board) -> dict[str, Any]:
    """One dashboard's JSON model."""
    return {
        "uid": f"tesseract-{board.uid}",
        "title": board.title,
        "tags": ["tesseract", board.row],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "utc",
        "links": [
            {
                "type": "dashboards",
                "title": "Tesseract",
                "tags": ["tesseract"],
                "asDropdown": False,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "templating": {"list": [_source_variable(), _chain_variable()]},
        "panels": [_panel(place, panel) for place, panel in enumerate(board.panels)],
    }


def _source_variable() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _chain_variable() -> dict[str, Any]:
    query = f"label_values({P}chain_up, chain)"
    return {
        "name": "chain",
        "label": "Chain",
        "type": "query",
        "datasource": SOURCE,
        "query": query,
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "sort": 1,
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(place: int, panel: Panel) -> dict[str, Any]:
    limit = panel.limit
    steps: list[dict[str, Any]] = [{"color": "red" if limit.good_above and not limit.expr else "green", "value": None}]
    if limit.value is not None:
        steps.append({"color": "green" if limit.good_above else "red", "value": limit.value})
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": {"x": WIDTH * (place % 2), "y": HEIGHT * (place // 2), "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {
            "defaults": {
                "unit": UNITS.get(panel.unit, panel.unit),
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": {"thresholdsStyle": {"mode": "off" if limit.expr else "line"}},
            },
            "overrides": [DASHED] if limit.expr else [],
        },
        "options": {
            "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {"refId": ref, "datasource": SOURCE, "expr": expr, "legendFormat": legend}
            for ref, expr, legend in ((SHOWN, panel.expr, panel.legend), (LIMIT, limit.expr, limit.legend))
            if expr
        ],
    }


def render(limits: Thresholds) -> dict[str, str]:
    """File name -> JSON of every dashboard."""
    return {f"{board.uid}.json": json.dumps(dashboard(board), indent=2) + "\n" for board in boards(limits)}


def drift(folder: Path, limits: Thresholds) -> list[str]:
    """The dashboards of a folder that are not as they are generated, and those that lack."""
    return [name for name, text in render(limits).items() if _content(folder / name) != text.encode()]


def _content(path: Path) -> bytes | None:
    """None for what is no file, or larger than any dashboard."""
    try:
        return read_bytes(path)
    except OSError:
        return None


def write(folder: Path, limits: Thresholds, *, overwrite: bool = False) -> list[Path]:
    """Write all of them. Raises UsageError for one that was edited by hand, unless it shall be overwritten."""
    edited = [name for name in drift(folder, limits) if (folder / name).exists()]
    if edited and not overwrite:
        raise UsageError(
            f"{folder}: expected dashboards as generated, {', '.join(edited)} was edited, or has other thresholds: "
            "move it away, or write to another folder (--out)"
        )
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in render(limits).items():
        write_atomically(folder / name, text)
        written.append(folder / name)
    return written


if __name__ == "__main__":
    write(COMPOSE / "grafana" / "dashboards", Thresholds(), overwrite=True)
