"""The whole configuration of a deployment's monitoring in one folder, checked by Prometheus' own tools."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.bounded_files import write_atomically
from lab.errors import EnvironmentFailure, UsageError
from lab.monitor import tools
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.alerting.routes import routes_file
from lab.monitor.alerting.rules import as_yaml, rules_file
from lab.monitor.alerting.slow_legs import EVALUATE_EVERY_S
from lab.monitor.dashboards import grafana
from lab.monitor.tools import ALERTMANAGER, PROMETHEUS

RULES, DASHBOARDS = "rules.yml", "dashboards"
_ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts answer, as HOST:PORT."""

    exporter: str = "127.0.0.1:9464"
    alertmanager: str = "127.0.0.1:9093"

    def __post_init__(self) -> None:
        """Raises UsageError, which repeats nothing: a URL may have a key in it."""
        for option, address in (("--exporter", self.exporter), ("--alertmanager", self.alertmanager)):
            if not _ADDRESS.fullmatch(address):
                raise UsageError(f"{option}: expected HOST:PORT, as 127.0.0.1:9093, without a scheme, a path or a user")


def scrape_file(addresses: Addresses, run: str, limits: Thresholds) -> dict[str, Any]:
    """The configuration as Prometheus reads it."""
    every = f"{max(100, round(EVALUATE_EVERY_S * 1000 / limits.speed))}ms"
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [RULES],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [addresses.alertmanager]}]}]},
        "scrape_configs": [
            {
                "job_name": "tesseract",
                "static_configs": [{"targets": [addresses.exporter], "labels": {"deployment": run}}],
            }
        ],
    }


def write(
    folder: Path, run: str, environment: Mapping[str, str], limits: Thresholds, addresses: Addresses | None = None
) -> list[Path]:
    """Write everything, readable by the owner only since it may hold a receiver's address; the files.

    Raises UsageError for a receiver given by half, or a dashboard edited by hand.
    """
    documents = {
        PROMETHEUS: scrape_file(addresses or Addresses(), run, limits),
        RULES: rules_file(limits),
        ALERTMANAGER: routes_file(environment, limits.speed),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, document in documents.items():
        path = folder / name
        write_atomically(path, as_yaml(document), mode=0o600)
        written.append(path)
    return written + grafana.write(folder / DASHBOARDS, limits)


def check(folder: Path) -> list[str]:
    """What the tools say of each file. Raises EnvironmentFailure without them, or for what they refuse."""
    accepted = []
    for tool, arguments in (
        ("promtool", ["check", "config", PROMETHEUS]),
        ("promtool", ["check", "rules", RULES]),
        ("amtool", ["check-config", ALERTMANAGER]),
    ):
        code, output = tools.run(tool, arguments, folder=folder)
        if code != 0:
            raise EnvironmentFailure(f"{tool} {' '.join(arguments)} refuses {folder}: {output[:800]}")
        accepted.append(f"{tool} {' '.join(arguments)}: accepted")
    return accepted
