"""A contract with the documented interface alone: what its optional parts would tell has to be looked up."""

from __future__ import annotations

from pathlib import Path

import pytest

from .bench import Bench, tx_id
from .fakes import ABI, GENESIS

OPTIONAL = {"expire_transaction", "CoordinationWindowSet"}
PLAIN = [part for part in ABI if part.get("name") not in OPTIONAL]


def test_a_ready_that_was_missed_is_looked_up_once_its_window_is_over(tmp_path: Path) -> None:
    """Found by the swarm: another made it READY while logs were missing, and no expiry of it came to nothing."""
    bench = Bench(tmp_path, abi=PLAIN)
    two = bench.chains["two"]
    two.operate("set_coordination_window", 10)
    bench.buffer("two", 1, at=20)
    bench.run(18)
    two.hide_logs = True
    two.operate("resolve_dependency", tx_id(1))
    two.mine(GENESIS + 20)
    bench.relayer = None
    bench.run(14)
    two.hide_logs = False
    bench.relayer = bench.start()
    bench.run(20)
    assert bench.state("two", 1) == "EXECUTED"


def test_a_window_that_nobody_announced_is_noticed(tmp_path: Path) -> None:
    """Found by the swarm: made longer while nothing else happened, it let a transaction be resolved yet."""
    bench = Bench(tmp_path, abi=PLAIN)
    bench.chains["two"].operate("set_coordination_window", 10)
    bench.chains["one"].operate("set_coordination_window", 300)
    bench.buffer("one", 1, at=60)
    bench.buffer("two", 2, at=20, after=1)
    bench.run(34)
    bench.chains["two"].operate("set_coordination_window", 200)
    bench.run(80)
    assert bench.state("two", 2) == "EXECUTED"


@pytest.mark.parametrize("announced", [True, False])
def test_whoever_catches_up_misses_no_ready(tmp_path: Path, announced: bool) -> None:
    """Found by the swarm: what is new and READY already has a log of it, unless the contract announces nothing."""
    bench = Bench(tmp_path)
    two = bench.chains["two"]
    bench.relayer = None
    bench.buffer("two", 1, at=4)
    bench.run(6)
    two.operate("resolve_dependency", tx_id(1))
    bench.run(4)
    assert bench.state("two", 1) == "READY"
    made_ready = [block for block in two.blocks if block.logs][-1]
    hidden, made_ready.logs = made_ready.logs, []
    bench.relayer = bench.start()
    bench.run(8)
    assert len(two.sent) == 0, "nothing rests on an answer that contradicts the contract"
    assert any(note["event"] == "rpc_failure" and "made" in note["error"] for note in bench.notes)
    if announced:
        made_ready.logs = hidden
    bench.run(30)
    assert ("two", tx_id(1)) in bench.relayer._ledger.entries, "it goes on with what the logs say"
    assert bench.state("two", 1) == ("EXECUTED" if announced else "READY")


def test_a_resolve_that_came_too_early_is_not_what_made_it_ready(tmp_path: Path) -> None:
    """Found by the swarm: a later one by another made it READY, and a replica that was behind lacked the log."""
    bench = Bench(tmp_path)
    two = bench.chains["two"]
    bench.buffer("two", 1, at=11)
    bench.run(10)
    two.mine(GENESIS + 10)
    early = two.head.number
    two.operate("resolve_dependency", tx_id(1))
    two.hide_logs = True
    bench.run(2)
    two.hide_logs = False
    assert bench.state("two", 1) == "READY"
    bench.run(10)
    assert bench.relayer is not None
    ready = bench.relayer._ledger.entries["two", tx_id(1)].ready
    assert ready is not None
    assert ready.number == early + 1
    assert bench.state("two", 1) == "EXECUTED"
