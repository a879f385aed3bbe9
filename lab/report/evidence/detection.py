"""How well the alerts detect, from `results/monitor/detection.json` where `lab swarm --monitor` wrote one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.bounded_files import read_object, require_version
from lab.errors import EvidenceFailure
from lab.evidence.seal import differences
from lab.html.text import clean
from lab.model.outcome import Outcome
from lab.report.records.measured import DetectedKind, Detection

FILE = "monitor/detection.json"


def read_detection(results: Path) -> tuple[Detection | None, list[str]]:
    """The measurement, and what could not be read of it. Nothing raises."""
    path = results / FILE
    if not path.is_file():
        return None, []
    try:
        if changed := differences(path.parent, (path.name,)):
            raise EvidenceFailure(changed[0])
        value = require_version(read_object(path), path)
        kinds = tuple(_kind(name, kind) for name, kind in sorted(value["kinds"].items()))
        alarms = len(value["false_alarms"])
        return Detection(
            kinds=kinds, quiet_runs=value["quiet_runs"], false_alarms=alarms, verdict=Outcome(value["verdict"])
        ), []
    except (EvidenceFailure, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = clean(f"{type(error).__name__}: {error}".replace(f"{path.parent}/", ""), 200)
        return None, [f"{FILE} does not count ({why}): how well alerts detect is not shown"]


def _kind(name: str, kind: dict[str, Any]) -> DetectedKind:
    return DetectedKind(
        fault=name,
        alerts=tuple(kind["alerts"]),
        runs=kind["runs"],
        fired=kind["fired"],
        median_s=kind["median_s"],
        max_s=max(kind["seconds"], default=None),
    )
