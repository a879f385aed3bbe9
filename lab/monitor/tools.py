"""Prometheus' own tools, found on PATH: promtool, amtool and the servers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from lab.errors import EnvironmentFailure

INSTALL = "apt-get install -y prometheus prometheus-alertmanager"
# The servers' configuration in the folder of `lab monitor config`.
PROMETHEUS, ALERTMANAGER = "prometheus.yml", "alertmanager.yml"
TIMEOUT_S = 120
TOOLS = ("promtool", "amtool", "prometheus", "prometheus-alertmanager")
# Upstream names one of them otherwise than Debian.
OTHER_NAMES = {"prometheus-alertmanager": "alertmanager"}


def find(tool: str) -> str:
    """The tool's path. Raises EnvironmentFailure with the command that installs it."""
    path = shutil.which(tool) or shutil.which(OTHER_NAMES.get(tool, tool))
    if path is None:
        raise EnvironmentFailure(f"expected {tool} on PATH, there is none: {INSTALL}")
    return path


def missing() -> str | None:
    """Why this machine cannot prove alerts, with the command that helps; None if it can."""
    absent = [tool for tool in TOOLS if not (shutil.which(tool) or shutil.which(OTHER_NAMES.get(tool, tool)))]
    return f"no {', '.join(absent)} ({INSTALL})" if absent else None


def run(
    tool: str,
    arguments: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, str]:
    """The exit code and all output of a tool, with `environment` added to this process's own.

    Raises EnvironmentFailure without the tool, or when it does not end.
    """
    try:
        done = subprocess.run(
            [find(tool), *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**os.environ, **environment},
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailure(f"{tool} {' '.join(arguments)}: not done within {TIMEOUT_S} s") from error
    return done.returncode, (done.stdout + done.stderr).strip()
