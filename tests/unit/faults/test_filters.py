"""Filters of logs through a reorg, on a real node: what go-ethereum's tell, in its order."""

from __future__ import annotations

from typing import Any, cast

import pytest

from lab.chains.filters import FILTERS_MAX, Filters
from lab.rpc import Rpc, RpcRefused
from lab.session.lab import Lab

from ..conftest import StartLab
from ..real_chains import buffer, tx_id
from .test_request_faults import ETH, ask

Told = list[tuple[int, bool]]


@pytest.fixture
def lab(start_lab: StartLab) -> Lab:
    lab = start_lab(ETH)
    lab.scheduler.advance_to(40_000)
    lab.chains[ETH].look()
    return lab


def filter_of(lab: Lab, **criteria: Any) -> Any:
    return ask(lab, "eth_newFilter", {"address": lab.chains[ETH].contract, **criteria})


def buffered(lab: Lab, *numbers: int) -> None:
    """Each in a block of its own, the head; slots may be missed."""
    for number in numbers:
        mine(lab, buffer(lab, ETH, number))


def mine(lab: Lab, tx_hash: str) -> None:
    """Let time pass until it is mined."""
    while lab.chains[ETH].waits(tx_hash):
        lab.scheduler.advance_to(lab.chains[ETH].producer.next_slot_ms())
        lab.chains[ETH].look()


def told(lab: Lab, filter_id: Any) -> Told:
    """The transactions that a filter tells of, and whether they were taken back."""
    changes = ask(lab, "eth_getFilterChanges", filter_id)
    assert isinstance(changes, list), changes
    return [(int(log["topics"][1], 16), log["removed"]) for log in changes]


def test_what_a_reorg_takes_back_is_told_with_removed(lab: Lab) -> None:
    """In the old branch's order, then the new branch; what nobody fetched before is told first, then taken back."""
    asked, late = filter_of(lab), filter_of(lab)
    buffered(lab, 1, 2, 3)
    assert told(lab, asked) == [(1, False), (2, False), (3, False)]
    young = filter_of(lab)
    lab.chains[ETH].reorg(2, requeue=False)
    buffered(lab, 4)
    gone: Told = [(2, True), (3, True)]
    assert told(lab, asked) == [*gone, (4, False)]
    assert told(lab, late) == [(1, False), (2, False), (3, False), *gone, (4, False)]
    assert told(lab, young) == [*gone, (4, False)], "also to one that was made after those blocks"
    assert [told(lab, each) for each in (asked, late, young)] == [[], [], []], "each once"


def test_what_comes_again_in_another_block_is_told_again(lab: Lab) -> None:
    """Taken back and put back, each time."""
    asked = filter_of(lab)
    tx_hash = buffer(lab, ETH, 1)
    mine(lab, tx_hash)
    assert told(lab, asked) == [(1, False)]
    young = filter_of(lab)
    for _ in range(2):
        assert lab.chains[ETH].reorg(1, requeue=True) == (tx_hash,)
        mine(lab, tx_hash)
    twice: Told = [(1, True), (1, False)] * 2
    assert (told(lab, asked), told(lab, young)) == (twice, twice)


def test_a_filter_is_told_what_it_asked_for(lab: Lab) -> None:
    """By its topics and its blocks, not by all that was taken back."""
    buffered(lab, 1)
    head = lab.chains[ETH].producer.head.number
    other = filter_of(lab, topics=[None, tx_id(2)])
    below = filter_of(lab, fromBlock="0x1", toBlock=hex(head))
    buffered(lab, 2)
    lab.chains[ETH].reorg(3, requeue=False)
    assert (told(lab, other), told(lab, below)) == ([(2, False), (2, True)], [(1, True)])


def test_a_filter_that_is_no_more_is_not_found(lab: Lab) -> None:
    """Uninstalled, it is told nothing, and a reorg does not stumble over it."""
    kept, gone = filter_of(lab), filter_of(lab)
    buffered(lab, 1)
    assert ask(lab, "eth_uninstallFilter", gone) is True
    lab.chains[ETH].reorg(1, requeue=False)
    assert isinstance(ask(lab, "eth_getFilterChanges", gone), RpcRefused)
    assert told(lab, kept) == [(1, False), (1, True)]


def log(number: int, branch: str, *, removed: bool = False) -> dict[str, Any]:
    return {"blockNumber": hex(number), "blockHash": f"0x{number}{branch}", "removed": removed}


class Node:
    """A node with two blocks of an old branch; its filter had nothing more to tell."""

    def call(self, method: str, *_: Any) -> Any:
        return [log(5, "old"), log(6, "old")] if method == "eth_getLogs" else []


def test_an_answer_that_was_under_way_during_a_reorg_keeps_its_order() -> None:
    """Under the real clock the node may have answered the owner before the reorg, or after it."""
    gone = [log(5, "old", removed=True), log(6, "old", removed=True)]
    for answered, expected in (
        ([log(4, "both"), log(5, "old"), log(6, "old")], [log(4, "both"), log(5, "old"), log(6, "old"), *gone]),
        ([log(5, "new")], [*gone, log(5, "new")]),
    ):
        filters = Filters()
        filters.made("0x1", {}, 3)
        filters.take_back(cast("Rpc", Node()), 4)
        assert filters.news("0x1", answered) == expected
        assert filters.news("0x1", []) == []


def test_of_too_many_filters_the_oldest_is_forgotten() -> None:
    """What it is told is the node's own word."""
    filters = Filters()
    for number in range(FILTERS_MAX + 1):
        filters.made(hex(number), {}, 9)
    old = [log(8, "both")]
    assert (filters.news("0x0", old), filters.news("0x1", old)) == (old, [])
