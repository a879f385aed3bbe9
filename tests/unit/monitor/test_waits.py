"""Which transactions wait for nothing but a call, and since when."""

from __future__ import annotations

import pytest

from lab.monitor.collect.cross_chain import NO_PARENT, CrossChain
from lab.monitor.collect.facts import Entry
from lab.monitor.collect.memory import ChainMemory
from lab.monitor.metrics import Distribution, Samples

ROLLUPS = {"0xbase": "base", "0xpolygon": "polygon"}
HOME, ELSEWHERE = "0xBase", "0xPolygon"
PARENT = "0x" + "11" * 32
NOW_S = 1000.0
ROOT = Entry("BUFFERED", HOME, NO_PARENT, due_s=900, buffered_s=850)
READY_ROOT = Entry("READY", HOME, NO_PARENT, due_s=900, buffered_s=850, ready_s=930)
CHILD = Entry("BUFFERED", HOME, PARENT, due_s=900, buffered_s=850)
READY_CHILD = Entry("READY", HOME, PARENT, due_s=900, buffered_s=850, ready_s=930)


def parent(**times: int) -> Entry:
    """Of the child, on its chain; what it is follows from the times that it has."""
    ended = "EXECUTED" if "ended_s" in times else "READY" if times else "BUFFERED"
    return Entry(ended, HOME, NO_PARENT, due_s=2000, **times)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entry", "above", "wait_s"),
    [
        (ROOT, None, 100),
        (Entry("BUFFERED", HOME, NO_PARENT, due_s=900, buffered_s=980), None, 20),
        (Entry("BUFFERED", HOME, NO_PARENT, due_s=1100, buffered_s=850), None, 0),
        (READY_ROOT, None, 70),
        (CHILD, parent(), 0),
        (CHILD, parent(ready_s=940), 60),
        (CHILD, parent(ready_s=940, ended_s=960), 30),
        (READY_CHILD, parent(ready_s=920), 80),
        (READY_CHILD, parent(ready_s=920, ended_s=950), 20),
        (CHILD, Entry("EXPIRED", HOME, NO_PARENT, ready_s=920, ended_s=950), 0),
        (CHILD, Entry("READY", ELSEWHERE, NO_PARENT, ready_s=920), 0),
        (CHILD, None, 0),
        (Entry("READY", ELSEWHERE, NO_PARENT, due_s=900, buffered_s=850, ready_s=930), None, 0),
        (Entry("BUFFERED", "0xunknown", NO_PARENT, due_s=900, buffered_s=850), None, 0),
    ],
)
def test_the_wait_of_one(entry: Entry, above: Entry | None, wait_s: float) -> None:
    """A root, then a child: its parent is not READY, READY (it waits itself), executed, expired, elsewhere, unknown.

    A parent counts once it may be final, 30 s later. A copy of another chain's transaction is not executed, and of one
    that nobody knows nothing is said.
    """
    memories = {"base": ChainMemory("base"), "polygon": ChainMemory("polygon")}
    memories["base"].head_book.open["0x22"] = entry
    if above is not None:
        book = memories["base"].head_book
        (book.closed if above.ended_s is not None else book.open)[PARENT] = above
    waits = CrossChain(ROLLUPS, {("base", "base"): 30})
    assert waits.wait_s(memories, "base", lambda _: False, NOW_S) == wait_s
    assert waits.wait_s(memories, "base", lambda _: True, NOW_S) == 0
    assert waits.wait_s(memories, "polygon", lambda _: False, NOW_S) == 0


@pytest.mark.parametrize(
    ("took_s", "slower"),
    [((60, 75), 0), ((60, 78), 0), ((78, 79), 1), ((79, 80), 2)],
)
def test_how_many_legs_were_slower_than_the_limit(took_s: tuple[int, ...], slower: int) -> None:
    """What it counts is exact where the limit, 78.75 s with finality, lies inside of a bucket of the times themselves.

    Of 60 and 75 s Prometheus reads 79 s as the percentile (seed 407 of `lab swarm --monitor`).
    """
    memories = {"base": ChainMemory("base"), "polygon": ChainMemory("polygon")}
    memories["polygon"].head_book.closed[PARENT] = Entry("EXECUTED", ELSEWHERE, NO_PARENT, due_s=0, ready_s=100)
    crossed = CrossChain(ROLLUPS, {("polygon", "base"): 48.75})
    for took in took_s:
        crossed.note("base", Entry("EXECUTED", HOME, PARENT, due_s=90, ended_s=100 + took))
    crossed.settle(memories)
    samples = Samples()
    crossed.samples(memories, NOW_S, samples)
    delays = samples.get("cross_chain_delay_seconds", "polygon", "base")
    assert isinstance(delays, Distribution)
    within = dict(delays.cumulative("cross_chain_delay_seconds"))
    assert within["+Inf"] - within["30"] == slower
