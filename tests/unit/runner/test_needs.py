"""What a scenario cannot do without, read off its steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.checks import CHECKS
from lab.coordinator import StateNumbering
from lab.deploy.smoke import CORE, Smoke, SmokeFailure
from lab.runner.needs import blocked, needed_operations
from lab.scenario.item import ScenarioItem
from lab.scenario.resolve import load_scenario

HEAD = """
name: Needs
description: What it needs.
networks: {base: {}}
relayer: RELAYER
flows:
  f: {a: {chain: base, at: +30s}}
timeline:
"""


def item(folder: Path, steps: str, relayer: str = "none") -> ScenarioItem:
    """A scenario of one leg with these steps."""
    path = folder / "needs.yaml"
    path.write_text(HEAD.replace("RELAYER", relayer) + steps)
    return load_scenario(path, known_checks=CHECKS)[0]


@pytest.mark.parametrize(
    ("steps", "needed"),
    [
        ("  - buffer: f\n", CORE[:1]),
        ("  - buffer: f\n    expect: {revert: Not authorized}\n", ()),
        ("  - buffer: f\n    expect: fail\n", ()),
        ("  - buffer: f\n  - resolve: f.a\n", CORE[:2]),
        ("  - resolve: f.a\n    expect: {event: TransactionFailed}\n", CORE[1:2]),
        ("  - execute: f.a\n", CORE[2:]),
        ("  - buffer: f\n  - expect: {leg: f.a, state: EXECUTED}\n    within: 1m\n", (CORE[0], CORE[2])),
        ("  - expect: {leg: f.a, state: EMPTY}\n", ()),
        ("  - admin: {chain: base, action: pause}\n", ()),
    ],
)
def test_needs_of_steps(tmp_path: Path, steps: str, needed: tuple[str, ...]) -> None:
    """A step that is expected to fail needs nothing; a state needs the operation that leads to it."""
    assert needed_operations(item(tmp_path, steps)) == needed


def test_a_relayer_needs_everything(tmp_path: Path) -> None:
    """It resolves and executes whatever is buffered."""
    assert needed_operations(item(tmp_path, "  - buffer: f\n", "reference")) == CORE


def test_a_scenario_is_blocked_by_what_it_needs(tmp_path: Path) -> None:
    """With the reason of the smoke run; without a smoke run never."""
    smoke = Smoke(SmokeFailure("mark_executed", "it reverts"), StateNumbering.of_abi([]))
    executes = item(tmp_path, "  - buffer: f\n  - execute: f.a\n")
    text = "not played, for the smoke run showed that mark_executed never succeeds: it reverts"
    assert blocked(executes, smoke) == text
    assert blocked(item(tmp_path, "  - buffer: f\n"), smoke) is None
    assert blocked(executes, None) is None
    assert blocked(executes, Smoke(None, StateNumbering.of_abi([]))) is None
