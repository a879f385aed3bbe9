"""Lint of faults that exclude each other: reported where two certainly overlap, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from .files import HEAD, load, problems

PAUSE = "- {at: 10s, id: first, fault: node_pause, chain: ethereum, for: 20s}"

OVERLAPPING = [
    (
        PAUSE,
        "- {at: 29s, fault: node_kill, chain: ethereum}",
        "node_kill stops the node of ethereum",
        "node_pause",
        "30s",
    ),
    (
        "- {at: 10s, id: first, fault: node_kill, chain: ethereum}",
        "- {fault: slow_start, chain: ethereum, refuses: 5s}",
        "slow_start stops the node of ethereum",
        "node_kill",
        "it is healed",
    ),
    (
        "- {at: 10s, id: first, fault: state_lost, chain: optimism, restart_after: 5s, resync: 1m}",
        "- {at: 12s, fault: node_pause, chain: optimism, for: 3s}",
        "node_pause stops the node of optimism",
        "state_lost",
        "15s",
    ),
    (
        "- {at: 10s, id: first, fault: relayer_pause}",
        "- {at: 60s, fault: relayer_pause, for: 3s}",
        "relayer_pause pauses the relayer",
        "relayer_pause",
        "it is healed",
    ),
]
APART = [
    (PAUSE, "- {at: 30s, fault: node_pause, chain: ethereum, for: 3s}"),
    (PAUSE, "- {at: 15s, fault: node_pause, chain: optimism, for: 3s}"),
    (PAUSE, "- {at: 15s, fault: halt, chain: ethereum, for: 3s}"),
    (PAUSE, "- {at: 15s, heal: first}\n- {at: 15s, fault: node_kill, chain: ethereum}"),
    (PAUSE, "- {expect: {leg: swap.pay, state: READY}, within: 1m}\n- {fault: node_kill, chain: ethereum}"),
    (
        "- {at: 10s, fault: state_lost, chain: optimism, restart_after: 5s, resync: 1m}",
        "- {at: 16s, fault: node_pause, chain: optimism, for: 3s}",
    ),
    ("- {at: 10s, fault: relayer_pause, for: 3s}", "- {at: 11s, fault: relayer_kill, restart_after: 3s}"),
]


@pytest.mark.parametrize(("first", "second", "what", "other", "until"), OVERLAPPING)
def test_overlapping(tmp_path: Path, first: str, second: str, what: str, other: str, until: str) -> None:
    """Named are both, the line of the first, and until when it lasts."""
    (problem,) = problems(tmp_path, f"{HEAD}timeline:\n{first}\n{second}\n")
    place, _, message = problem.partition(": ")
    assert place == f"12:{second.index('fault: ') + len('fault: ') + 1} timeline[1].fault"
    assert message == (
        f"{what}, which {other} in line 11 does until {until}: let this one begin later, or heal that one first"
    )


@pytest.mark.parametrize(("first", "second"), APART)
def test_apart(tmp_path: Path, first: str, second: str) -> None:
    """One after the other, on two chains, of different kinds, or perhaps late enough."""
    assert load(tmp_path, f"{HEAD}timeline:\n{first}\n{second}\n")
