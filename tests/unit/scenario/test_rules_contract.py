"""What a coordinator would refuse, or what could never come true, is told before any node starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from .files import HEAD, load, problems

CASES = [
    (
        "- {expect: {leg: swap.pay, state: READY}}\n- {buffer: swap}",
        "11:20 timeline[0].expect.leg: no earlier step buffers swap.pay, so it stays EMPTY: add `buffer: swap.pay` "
        "above",
    ),
    (
        "- {buffer: swap.pay}\n- {until: {leg: swap.settle, state: EXECUTED}, within: 1m}",
        "12:19 timeline[1].until.leg: no earlier step buffers swap.settle, so it stays EMPTY: add "
        "`buffer: swap.settle` above",
    ),
    (
        "- {at: 31s, buffer: swap.pay}",
        "11:23 timeline[0].buffer: swap.pay is due at 30s and this step begins at 31s or later: the contract refuses a "
        "timestamp in the past",
    ),
    (
        "- {wait: 40s}\n- {buffer: swap}",
        "12:14 timeline[1].buffer: swap.pay is due at 30s and this step begins at 40s or later: the contract refuses a "
        "timestamp in the past",
    ),
    (
        "- {call: {chain: optimism, function: resolve_dependancy, args: [swap.pay]}}",
        "11:40 timeline[0].call.function: no function is called 'resolve_dependancy' (did you mean "
        "resolve_dependency?)",
    ),
    (
        "- {expect: {chain: optimism, function: coordination_windows, returns: 30}}",
        "11:42 timeline[0].expect.function: no function is called 'coordination_windows' (did you mean "
        "coordination_window?)",
    ),
    (
        "- {admin: {chain: optimism, action: set_window, value: 301s}}",
        "11:58 timeline[0].admin.value: expected a window between 5s and 300s, got 301s: the contract refuses it (to "
        "show that, add `expect: fail`)",
    ),
    (
        "- {call: {chain: optimism, function: set_coordination_window, args: [4]}, as: owner}",
        "11:72 timeline[0].call.args[0]: expected a window between 5s and 300s, got 4s: the contract refuses it (to "
        "show that, add `expect: fail`)",
    ),
    (
        "- {needs: [handvoer], buffer: swap}",
        "11:14 timeline[0].needs[0]: expected stop, breaker, expiry, handover, deadline or batch, got 'handvoer' (did "
        "you mean handover?)",
    ),
]


def text(steps: str) -> str:
    """A file with these steps."""
    return HEAD + "timeline:\n" + "".join(f"  {line}\n" for line in steps.splitlines())


@pytest.mark.parametrize(("steps", "problem"), CASES, ids=range(len(CASES)))
def test_what_cannot_be_is_told_with_its_place(tmp_path: Path, steps: str, problem: str) -> None:
    """One mistake, one line."""
    assert problems(tmp_path, text(steps)) == [problem]


@pytest.mark.parametrize(
    "steps",
    [
        "- {expect: {leg: swap.pay, state: EMPTY}}",
        "- {at: 30s, buffer: swap.pay}",
        "- {at: 31s, buffer: swap.pay, expect: {revert: Timestamp cannot be in the past}}",
        "- {at: 31s, buffer: swap.pay, expect: fail}",
        "- {call: {chain: optimism, function: resolve_many, args: []}}",
        "- {admin: {chain: optimism, action: set_window, value: 301s}, expect: fail}",
        "- {call: {chain: ethereum, function: buffer_transaction, args: [swap.pay, user, owner, 0x, swap.pay, 9]}}\n"
        "- {expect: {leg: swap.pay, state: BUFFERED}}",
    ],
)
def test_what_shows_a_refusal_is_meant(tmp_path: Path, steps: str) -> None:
    """Both sides of each rule may be shown, and functions of the contract's own may be called."""
    assert load(tmp_path, text(steps))


def test_the_file_may_need_a_capability(tmp_path: Path) -> None:
    """And a step one of its own."""
    (item,) = load(tmp_path, text("- {buffer: swap}\n- {needs: [stop], wait: 1s}") + "needs: [handover, batch]\n")
    assert item.model.needs == ("handover", "batch")
    assert [step.needs for step in item.steps] == [(), ("stop",)]
