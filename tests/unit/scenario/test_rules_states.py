"""What a file expects of states can come true, and does not contradict what stands above it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .files import HEAD, load, problems
from .test_rules_contract import text

CASES = [
    # never buffered
    (
        "- {buffer: swap.pay}\n- {expect: {leg: swap.settle, latency: to_ready, below: 9s}}",
        "12:20 timeline[1].expect.leg: no earlier step buffers swap.settle, so it stays EMPTY: add "
        "`buffer: swap.settle` above",
    ),
    (
        "- {buffer: swap, expect: fail}\n- {until: {leg: swap.pay, state: READY}, within: 1m}",
        "12:19 timeline[1].until.leg: no earlier step buffers swap.pay, so it stays EMPTY: add `buffer: swap.pay` "
        "above",
    ),
    (
        "- {buffer: swap.pay}\n- {resolve: swap.settle}",
        "12:15 timeline[1].resolve: no earlier step buffers swap.settle, so the contract refuses this: add "
        "`buffer: swap.settle` above",
    ),
    (
        "- {buffer: swap.pay}\n- {execute: swap.settle, expect: {event: TransactionFailed}}",
        "12:15 timeline[1].execute: no earlier step buffers swap.settle, so the contract refuses this: add "
        "`buffer: swap.settle` above",
    ),
    (
        "- {buffer: swap.pay}\n- {call: {chain: optimism, function: resolve_dependency, args: [swap.settle]}}",
        "12:66 timeline[1].call.args: no earlier step buffers swap.settle, so the contract refuses this: add "
        "`buffer: swap.settle` above",
    ),
    (
        "- {buffer: swap.settle}\n- {until: {leg: swap.settle, state: READY}, within: 1m}",
        "12:39 timeline[1].until.state: no earlier step buffers swap.pay, which swap.settle depends on: add "
        "`buffer: swap.pay` above",
    ),
    # buffered twice
    (
        "- {buffer: swap}\n- {buffer: swap.pay}",
        "12:14 timeline[1].buffer: swap.pay is already buffered in line 11: the contract takes each id once (to show "
        "that, add `expect: fail`)",
    ),
    # contradictions
    (
        "- {buffer: swap}\n- {expect: {leg: swap.pay, state: EMPTY}, within: 1m}",
        "12:37 timeline[1].expect.state: swap.pay is buffered in line 11 and cannot be EMPTY again",
    ),
    (
        "- {buffer: swap}\n- {until: {leg: swap.pay, state: EXECUTED}, within: 2m}\n"
        "- {expect: {leg: swap.pay, state: READY}}",
        "13:37 timeline[2].expect.state: line 12 shows that swap.pay is EXECUTED by now: it cannot be READY later",
    ),
    (
        "- {buffer: swap}\n- {expect: {leg: swap.pay, state: EXPIRED}, within: 2m}\n"
        "- {expect: {leg: swap.pay, state: EXECUTED}, within: 2m}",
        "13:37 timeline[2].expect.state: line 12 shows that swap.pay is EXPIRED by now: it cannot be EXECUTED later",
    ),
    (
        "- {buffer: swap}\n- {until: {leg: swap.settle, state: EXECUTED}, within: 2m}\n"
        "- {expect: {leg: swap.pay, state: BUFFERED}}",
        "13:37 timeline[2].expect.state: line 12 shows that swap.pay is READY by now: it cannot be BUFFERED later",
    ),
    (
        "- {buffer: swap}\n- {expect: {leg: swap.pay, state: EXPIRED}, within: 2m}\n"
        "- {until: {leg: swap.settle, state: READY}, within: 2m}",
        "13:39 timeline[2].until.state: swap.settle depends on swap.pay, which is EXPIRED by line 12: it never becomes "
        "READY",
    ),
]


@pytest.mark.parametrize(("steps", "problem"), CASES, ids=range(len(CASES)))
def test_states_that_cannot_be(tmp_path: Path, steps: str, problem: str) -> None:
    """One mistake, one line."""
    assert problems(tmp_path, text(steps)) == [problem]


REORG = "- {fault: reorg, chain: ethereum, depth: 2}\n"
SOUND = [
    "- {buffer: swap}\n- {until: {leg: swap.pay, state: READY}, within: 2m}\n"
    "- {until: {leg: swap.pay, state: EXECUTED}, within: 2m}\n- {until: {leg: swap.settle, state: READY}, within: 2m}",
    f"- {{buffer: swap}}\n- {{until: {{leg: swap.pay, state: READY}}, within: 2m}}\n{REORG}"
    "- {expect: {leg: swap.pay, state: BUFFERED}}",
    f"- {{buffer: swap}}\n{REORG}- {{expect: {{leg: swap.pay, state: EMPTY}}}}\n- {{buffer: swap.pay}}",
    "- {buffer: swap}\n- {buffer: swap, expect: {revert: Transaction already exists}}",
    "- {buffer: swap.pay}\n- {resolve: swap.settle, expect: fail}\n- {expect: {leg: swap.settle, state: EMPTY}}",
    "- {buffer: swap.pay}\n- {call: {chain: optimism, function: resolve_many, args: [swap.settle]}}",
    "- {buffer: swap}\n- {expect: {leg: swap.pay, state: EXPIRED}, within: 2m}\n"
    "- {admin: {chain: ethereum, action: set_window, value: 300s}}\n- {expect: {leg: swap.pay, state: BUFFERED}}",
    "- {buffer: swap}\n- {until: {leg: swap.settle, state: READY}, within: 2m}\n"
    "- {call: {chain: ethereum, function: mark_failed, args: [swap.pay]}}\n- {expect: {leg: swap.pay, state: EXPIRED}}",
    "- {buffer: swap.settle}\n- {expect: {leg: swap.settle, state: EXPIRED}, within: 3m}",
]


@pytest.mark.parametrize("steps", SOUND, ids=range(len(SOUND)))
def test_states_that_can_be(tmp_path: Path, steps: str) -> None:
    """A state may go on, a reorg takes it back, and what is to be refused need not be possible."""
    assert load(tmp_path, text(steps))


def test_a_window_that_ends_before_the_parent_is_due(tmp_path: Path) -> None:
    """A child waits for its parent no longer than its own window."""
    late = HEAD.replace("at: +30s", "at: +95s")
    steps = "timeline:\n  - {buffer: swap}\n  - {until: {leg: swap.settle, state: READY}, within: 2m}\n"
    assert problems(tmp_path, late + steps) == [
        "12:39 timeline[1].until.state: swap.settle's window ends at 90s, before swap.pay, which it depends on, is due "
        "at 95s: it never becomes READY"
    ]
    assert load(tmp_path, late + "window: 60s\n" + steps)
