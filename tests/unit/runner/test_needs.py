"""What a scenario cannot do without, read off its steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.checks import CHECKS
from lab.coordinator import Codec, StateNumbering
from lab.deploy.deployer import Deployable
from lab.deploy.smoke import CORE, Smoke, SmokeFailure
from lab.runner.requirements.needs import blocked, needed_operations
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


def test_a_scenario_is_blocked_by_what_it_needs(tmp_path: Path, reference: Deployable) -> None:
    """With the reason of the smoke run; without a smoke run never."""
    smoke = Smoke(SmokeFailure("mark_executed", "it reverts"), StateNumbering.of_abi([]))
    executes = item(tmp_path, "  - buffer: f\n  - execute: f.a\n")
    text = "not played, for the smoke run showed that mark_executed never succeeds: it reverts"
    assert blocked(executes, smoke, reference.codec) == text
    assert blocked(item(tmp_path, "  - buffer: f\n"), smoke, reference.codec) is None
    assert blocked(executes, None, reference.codec) is None
    assert blocked(executes, Smoke(None, StateNumbering.of_abi([])), reference.codec) is None


@pytest.mark.parametrize(
    ("steps", "relayer", "missing", "told"),
    [
        ("  - buffer: f\n", "none", "buffer_transaction", True),
        ("  - buffer: f\n", "none", "mark_executed", False),
        ("  - buffer: f\n", "none", "add_operator", True),
        ("  - buffer: f\n    expect: fail\n", "none", "add_operator", False),
        ("  - buffer: f\n", "none", "get_transaction_state", False),
        ("  - expect: {leg: f.a, state: EMPTY}\n", "none", "get_transaction_state", True),
        ("  - buffer: f\n", "reference", "mark_executed", True),
        ("  - buffer: f\n", "reference", "coordination_window", True),
        ("  - buffer: f\n", "reference", "get_transaction_details", True),
        ("  - buffer: f\n", "reference", "transactions", False),
        ("  - buffer: f\n", "reference", "transaction_count", False),
    ],
)
def test_a_scenario_is_blocked_by_a_function_that_is_not_there(
    tmp_path: Path, reference: Deployable, steps: str, relayer: str, missing: str, told: bool
) -> None:
    """Only by one that it cannot do without."""
    codec = Codec([entry for entry in reference.codec.abi if entry.get("name") != missing])
    text = f"not played, for the contract has no function {missing}"
    assert blocked(item(tmp_path, steps, relayer), None, codec) == (text if told else None)


def test_a_mirror_needs_the_payload(tmp_path: Path, reference: Deployable) -> None:
    """Of a parent on another chain; on the same chain nothing is mirrored."""
    codec = Codec([entry for entry in reference.codec.abi if entry.get("name") != "transactions"])
    path = tmp_path / "mirror.yaml"
    text = HEAD.replace("RELAYER", "reference").replace("{base: {}}", "{base: {}, polygon: {}}")
    for chain, told in (("polygon", True), ("base", False)):
        legs = f"{{a: {{chain: base, at: +30s}}, b: {{chain: {chain}, at: +40s, after: a}}}}"
        path.write_text(text.replace("{a: {chain: base, at: +30s}}", legs) + "  - buffer: f\n")
        (mirrors,) = load_scenario(path, known_checks=CHECKS)
        assert (blocked(mirrors, None, codec) is not None) is told
