"""A crash at any commit point, at any time it is reached, converges to the result without a crash."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from lab.relayer import CRASH_POINTS

from .bench import Bench, Crashed

SECONDS = 90


def flows(bench: Bench) -> None:
    """A root, a child across chains, a grandchild on a third chain, and a child whose parent never comes."""
    bench.buffer("one", 1, at=12)
    bench.buffer("two", 2, at=20, after=1)
    bench.buffer("lazy", 3, at=34, after=2)
    bench.buffer("two", 4, at=14, after=9)


@functools.cache
def undisturbed(folder: Path) -> tuple[dict[tuple[str, str], str], dict[str, int]]:
    """The states of a run without a crash, and how often each point is reached."""
    bench = Bench(folder)
    flows(bench)
    bench.run(SECONDS)
    return bench.states(), {point: bench.points.count(point) for point in CRASH_POINTS}


def die_at(bench: Bench, point: str, occasion: int, *, seconds: int = SECONDS) -> bool:
    """Run with one crash, restarted at once with a new object on the same store; False if the point never came."""
    reached = 0

    def crash(at: str) -> None:
        nonlocal reached
        if at == point:
            reached += 1
            if reached == occasion:
                raise Crashed(point)

    bench.crash = crash
    left = seconds
    while left > 0:
        before = bench.clock.ms
        try:
            bench.run(left)
        except Crashed as death:
            assert str(death) == point  # noqa: PT017 - it may happen or not
            bench.relayer = bench.start()
        left -= (bench.clock.ms - before) // 1000
    return reached >= occasion


@pytest.mark.parametrize("occasion", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_crash_converges(point: str, occasion: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every transaction ends as without the crash, and nothing takes effect twice."""
    states, times = undisturbed(tmp_path_factory.getbasetemp())
    assert sorted(states.values()).count("EXECUTED") == 3
    assert "EXPIRED" in states.values()
    assert all(times[at] >= 3 for at in CRASH_POINTS)
    bench = Bench(tmp_path)
    flows(bench)
    died = die_at(bench, point, occasion)
    assert died or times[point] < occasion
    assert bench.states() == states
    for chain in bench.chains.values():
        executions = chain.head.state.executions
        assert len(executions) == len(set(executions))
        assert not chain.pool
    assert bench.relayer is not None
    assert bench.relayer.idle()


def test_a_crash_between_sending_and_noting_it_resends_nothing_new(tmp_path: Path) -> None:
    """The next life finds its transaction by hash: the same set of bytes as in a quiet life."""
    quiet, crashed = Bench(tmp_path / "quiet"), Bench(tmp_path / "crashed")
    for bench in (quiet, crashed):
        bench.buffer("two", 1, at=10)
        bench.run(4)
        bench.chains["two"].block_gas_limit = 0  # it stays in the pool while the next life begins
    quiet.run(8)
    assert die_at(crashed, "after_send", 1, seconds=8)
    for bench in (quiet, crashed):
        assert len(bench.chains["two"].pool) == 1
        bench.chains["two"].block_gas_limit = 30_000_000
        bench.run(20)
        assert bench.state("two", 1) == "EXECUTED"
    assert crashed.chains["two"].sent == quiet.chains["two"].sent


def test_a_lost_store_is_rebuilt_from_the_chains(tmp_path: Path) -> None:
    """Without its file the relayer scans from the deployment, finds what is done, and does only the rest."""
    bench = Bench(tmp_path)
    flows(bench)
    bench.run(26)
    assert bench.state("one", 1) == "EXECUTED"
    assert bench.relayer is not None
    bench.relayer.close()
    (tmp_path / "relayer.sqlite").unlink()
    bench.relayer = bench.start()
    bench.run(70)
    assert sorted(bench.states().values()).count("EXECUTED") == 3
    assert bench.chains["one"].head.state.executions == ["0x" + f"{1:064x}"]
