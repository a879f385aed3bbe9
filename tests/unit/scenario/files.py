"""Scenario files for tests: a sound one, and a way to change single lines of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import InvalidFile
from lab.scenario.item import ScenarioItem
from lab.scenario.resolve import load_scenario

HEAD = """\
name: A test
description: It tests.
networks:
  ethereum: {finality: {blocks: 2}}
  optimism: {}
flows:
  swap:
    pay: {chain: ethereum, at: +30s}
    settle: {chain: optimism, at: +60s, after: pay}
"""
"""Nine lines; what a test adds begins in line 10."""

TIMELINE = "timeline:\n  - buffer: swap\n"


def write(folder: Path, text: str, name: str = "case.yaml") -> Path:
    """The file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str, known_checks: set[str] | None = None) -> list[ScenarioItem]:
    """The runs of a file with this text."""
    return load_scenario(write(folder, text), known_checks=known_checks)


def problems(folder: Path, text: str, known_checks: set[str] | None = None) -> list[str]:
    """All problems of a file with this text, from the line number on."""
    path = write(folder, text)
    with pytest.raises(InvalidFile) as caught:
        load_scenario(path, known_checks=known_checks)
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]
