"""Slither's findings, for the releases of Vyper that it can read; it runs in an isolated tool environment of uv."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from packaging.version import Version

from lab.analysis.finding import Finding, Severity
from lab.bounded_files import UnfitFile, parse_json
from lab.deploy.vyper.isolated_tool import run_tool
from lab.deploy.vyper.source import VyperSource
from lab.errors import EnvironmentFailure

SLITHER_VERSION = "0.11.6"
# Slither 0.11 reads what 0.3.7 to 0.3.10 print.
OLDEST, NEWEST = Version("0.3.7"), Version("0.3.10")
TIMEOUT_S = 300
SEVERITIES = {"High": Severity.HIGH, "Medium": Severity.MEDIUM}


def reads(source: VyperSource) -> bool:
    """Whether slither knows the source's compiler."""
    return OLDEST <= Version(source.compiler_version) <= NEWEST


def run_slither(source: VyperSource) -> list[Finding]:
    """Findings under the names of slither's detectors. Raises EnvironmentFailure where it cannot be had or fails."""
    vyper, words = source.compiler_version, ("slither", str(source.path), "--json", "-")
    try:
        run = run_tool(
            f"slither-analyzer=={SLITHER_VERSION}",
            words,
            vyper=vyper,
            beside=(f"vyper=={vyper}", "setuptools<81"),
            folder=source.path.parent,
            timeout_s=TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFailure(f"slither could not be run for {source.path}: {error}") from error
    try:
        document = parse_json(run.stdout, "its findings")
    except UnfitFile as error:
        last = run.beyond or "its last lines:\n" + "\n".join(run.stderr.strip().splitlines()[-5:])
        raise EnvironmentFailure(f"slither gave no result for {source.path}; {last}") from error
    if not document.get("success"):
        raise EnvironmentFailure(f"slither failed for {source.path}: {str(document.get('error'))[:500]}")
    return [_finding(entry, source.path) for entry in document.get("results", {}).get("detectors", [])]


def _finding(entry: dict[str, Any], path: Path) -> Finding:
    place: dict[str, Any] = next((part.get("source_mapping", {}) for part in entry.get("elements", [])), {})
    line = next(iter(place.get("lines") or [1]))
    text = " ".join(str(entry.get("description", "")).split())
    severity = SEVERITIES.get(str(entry.get("impact")), Severity.LOW)
    return Finding(f"slither/{entry.get('check')}", severity, path, line, place.get("starting_column") or 1, text)
