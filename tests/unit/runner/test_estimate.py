"""How long scenarios are said to take on the real clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.runner.estimate import expected_s, format_estimate, total_s
from lab.scenario.item import ScenarioItem
from lab.scenario.resolve import load_scenario
from lab.session.relayer.command import START_S, parse_command

HEAD = """
name: Any
description: Any.
networks: {one: {profile: optimism, finality: {blocks: 10}}, two: {profile: optimism}}
window: 60s
relayer: {poll: 1s}
"""
FLOW = "flows: {f: {pay: {chain: one, at: +10s}, settle: {chain: two, at: +12s, after: pay}}}\n"


def item(folder: Path, text: str) -> ScenarioItem:
    """The one item of a scenario."""
    path = folder / "s.yaml"
    path.write_text(text)
    return load_scenario(path)[0]


def test_waits_take_their_time(tmp_path: Path) -> None:
    """Step by step, each from the end of the one before it or from its own time."""
    short = expected_s(item(tmp_path, HEAD + "timeline:\n  - wait: 10s\n"))
    late = expected_s(item(tmp_path, HEAD + "timeline:\n  - wait: 10s\n  - {at: 60s, wait: 40s}\n"))
    assert late - short == pytest.approx(90)


def test_an_expectation_is_over_when_it_can_be_met(tmp_path: Path) -> None:
    """Its deadline is no estimate: a leg is there once its parent is final, an expiry once the window has closed."""
    met = expected_s(
        item(tmp_path, HEAD + FLOW + "timeline:\n  - {expect: {leg: f.settle, state: EXECUTED}, within: 9m}\n")
    )
    longer = HEAD.replace("blocks: 10", "blocks: 40") + FLOW
    later = expected_s(
        item(tmp_path, longer + "timeline:\n  - {expect: {leg: f.settle, state: EXECUTED}, within: 9m}\n")
    )
    assert 30 < met < 80
    assert later - met == pytest.approx(60)
    expiry = "timeline:\n  - {expect: {leg: f.pay, state: EXPIRED}, within: 9m}\n"
    assert 70 < expected_s(item(tmp_path, HEAD + FLOW + expiry)) < 100
    short = expected_s(item(tmp_path, HEAD.replace("poll: 1s", "poll: 2s") + "timeline:\n  - wait: 1s\n"))
    assert short < 20


def test_a_relayer_of_ones_own_has_to_start(tmp_path: Path) -> None:
    """It is started before genesis, at first by a guess, then by what was seen, unless the scenario wants none."""
    command, text = parse_command("any estimate", tmp_path), HEAD + "timeline:\n  - wait: 1s\n"
    found, without = item(tmp_path, text), item(tmp_path, text.replace("{poll: 1s}", "none"))
    assert expected_s(found, command) - expected_s(found) == pytest.approx(START_S)
    command.started_within(10)
    command.started_within(2)
    assert expected_s(found, command) - expected_s(found) == pytest.approx(16)
    assert expected_s(without, command) == expected_s(without)


def test_several_at_once() -> None:
    """Workers share the work, but no run is shorter than itself."""
    assert total_s([10, 10, 10, 10], 2) == 20
    assert total_s([50, 10], 2) == 50
    assert total_s([], 2) == 0
    assert format_estimate([30, 30], 2) == "estimated duration: about 30 s for 2 scenarios on the real clock, 2 at once"
    assert format_estimate([300], 1, 3) == (
        "estimated duration: about 5 min for 1 scenario on the real clock; tests written in Python (3) are not counted"
    )
