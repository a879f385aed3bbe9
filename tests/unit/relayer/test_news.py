"""Chains that carry several calls at once are looked at side by side; what a poll learns stays in one order."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from .bench import Bench, tx_id
from .fakes import BATCH_ABI, BatchingChain, FakeChain

WAIT_S = 30.0


def seen(bench: Bench) -> list[tuple[str, str]]:
    """What the relayer saw, in order."""
    return [(note["chain"], note["tx_id"]) for note in bench.notes if note["event"] == "seen"]


def three(folder: Path, kind: type[FakeChain]) -> Bench:
    """Something new on each of three chains."""
    bench = Bench(folder, abi=BATCH_ABI, kind=kind)
    for number, (name, chain) in enumerate(bench.chains.items(), 1):
        bench.buffer(name, number, at=10)
        chain.mine()
    return bench


def test_chains_are_asked_side_by_side(tmp_path: Path) -> None:
    """None is answered before all are asked, and what they say is taken over in declared order."""
    bench = three(tmp_path, BatchingChain)
    barrier = threading.Barrier(len(bench.chains))
    for chain in bench.chains.values():
        chain.before_call = lambda method, _: method == "eth_getLogs" and barrier.wait(WAIT_S)  # type: ignore[assignment]
    assert bench.relayer is not None
    bench.relayer.step()
    assert seen(bench) == [("one", tx_id(1)), ("two", tx_id(2)), ("lazy", tx_id(3))]
    bench.relayer.close()


@pytest.mark.parametrize("kind", [FakeChain, BatchingChain])
def test_one_that_fails_leaves_the_others_theirs(tmp_path: Path, kind: type[FakeChain]) -> None:
    """It is said of which one, and in the poll after that there is nothing more to learn of the others."""
    bench = three(tmp_path, kind)
    bench.chains["one"].down = True
    assert bench.relayer is not None
    bench.relayer.step()
    assert seen(bench) == [("two", tx_id(2)), ("lazy", tx_id(3))]
    failures = [(note["chain"], note["during"]) for note in bench.notes if note["event"] == "rpc_failure"]
    assert failures == [("one", "scan")]
    bench.chains["one"].down = False
    bench.relayer.step()
    assert seen(bench)[2:] == [("one", tx_id(1))]


def test_one_by_one_each_is_done_with_before_the_next_is_asked(tmp_path: Path) -> None:
    """Under the virtual clock the order of requests is part of a history."""
    bench = three(tmp_path, FakeChain)
    order: list[str] = []
    bench.crash = lambda point: order.append(point) if point == "after_scan" else None
    for name, chain in bench.chains.items():

        def note(method: str, _: list[Any], name: str = name) -> None:
            order.extend([name] * (method == "eth_getLogs"))

        chain.before_call = note
    bench.relayer = bench.start()
    bench.relayer.step()
    assert order == ["one", "after_scan", "two", "after_scan", "lazy", "after_scan"]
