"""The ledger: what a reorg takes away, and the order in which work is seen."""

from __future__ import annotations

from dataclasses import replace

from lab.relayer.memory.ledger import Ledger
from lab.relayer.memory.records import BlockId, Entry


def block(number: int, chain: str = "a") -> BlockId:
    """A block."""
    return BlockId(chain, number, f"0x{number}")


DONE = Entry("a", "0x01", "0xaa", "0xbb", "0x09", 50, "0x", block(5), block(7), block(9), "EXECUTED")


def test_a_reorg_takes_exactly_the_steps_above_the_ancestor() -> None:
    """Executed, ready and buffered vanish one after the other, the deeper the reorg goes."""
    ledger = Ledger({"a": 0, "b": 1}, [DONE, replace(DONE, chain="b")])
    unready = replace(DONE, ready=None, ended=None, end_state=None)
    assert ledger.without_orphans("a", 9) == ([], [])
    assert ledger.without_orphans("a", 8) == ([replace(DONE, ended=None, end_state=None)], [])
    assert ledger.without_orphans("a", 6) == ([unready], [])
    assert ledger.without_orphans("a", 4) == ([], [("a", "0x01")])
    assert ledger.entries[DONE.key] == DONE, "asking changes nothing"


def test_a_mirror_that_is_ready_is_not_active_until_a_reorg_takes_that_back() -> None:
    """Nor is what has ended; an original that is READY is."""
    mirror, original = (
        replace(DONE, ended=None, end_state=None),
        replace(DONE, ended=None, end_state=None, tx_id="0x02"),
    )
    original = replace(original, origin="0xcc")
    ledger = Ledger({"a": 0}, [mirror, original], {"a": "0xcc"})
    assert ledger.active() == [original]
    ledger.put([replace(mirror, ready=None)])
    assert ledger.active() == [replace(mirror, ready=None), original]
    ledger.remove([mirror.key])
    assert ledger.active() == [original]


def test_active_entries_come_in_order_and_are_found_by_their_dependency() -> None:
    """By timestamp, then declared chain, then id; an ended one is neither active nor a child."""
    waiting = replace(DONE, ready=None, ended=None, end_state=None)
    first, second = replace(waiting, tx_id="0x05", timestamp=10), replace(waiting, chain="b", tx_id="0x02")
    ledger = Ledger({"b": 0, "a": 1}, [waiting, second, first])
    assert ledger.active() == [first, second, waiting]
    assert ledger.children() == {("a", "0x09"): [first, waiting], ("b", "0x09"): [second]}
    ledger.put([replace(first, ended=block(8), end_state="EXPIRED")])
    ledger.remove([second.key])
    assert ledger.active() == [waiting]
    assert ledger.children() == {("a", "0x09"): [waiting]}
