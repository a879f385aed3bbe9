"""Scanning: only logs that belong to the chain under the head count, and doubt means to try again."""

from __future__ import annotations

from typing import Any

import pytest

from lab.coordinator import role_account
from lab.relayer.memory.records import Mark
from lab.relayer.reading.scan import ChainMoved, scan
from lab.rpc import Rpc, RpcMalformed, RpcRefused

from .bench import PAYLOAD, ROLLUPS, tx_id
from .fakes import CONTRACT, GENESIS, ZERO_ID, FakeChain


@pytest.fixture
def chain() -> FakeChain:
    """Ten blocks; block 4 buffers a transaction."""
    fake = FakeChain("two", sender=role_account("relayer").address)
    for number in range(1, 11):
        if number == 4:
            operate(fake, 1)
        fake.mine()
    return fake


def operate(chain: FakeChain, number: int) -> None:
    """The next block buffers a transaction."""
    chain.operate("buffer_transaction", tx_id(number), ROLLUPS["two"], ROLLUPS["one"], PAYLOAD, ZERO_ID, GENESIS + 99)


def marks(chain: FakeChain, *numbers: int) -> list[Mark]:
    """The trail of a relayer that has seen these blocks."""
    return [(n, chain.blocks[n].hash, chain.blocks[n].timestamp) for n in numbers]


def test_the_first_scan_reads_everything_from_the_start_block(chain: FakeChain) -> None:
    """An empty trail: all logs, and marks for the block with logs and the head."""
    head, found = scan(Rpc(chain), CONTRACT, [], 1)
    assert found is not None
    assert head.number == 10
    assert [log.number for log in found.logs] == [4]
    assert list(found.marks) == marks(chain, 4, 10)
    assert found.ancestor is None


def test_an_unchanged_head_costs_one_call(chain: FakeChain) -> None:
    """Nothing moved: no further question."""
    assert scan(Rpc(chain), CONTRACT, marks(chain, 10), 1)[1] is None
    assert sum(chain.calls.values()) == 1


def test_a_next_block_is_asked_by_hash(chain: FakeChain) -> None:
    """The head's parent is the trail's end: two calls."""
    operate(chain, 2)
    chain.mine()
    _, found = scan(Rpc(chain), CONTRACT, marks(chain, 10), 1)
    assert found is not None
    assert len(found.logs) == 1
    assert chain.calls.total() == 2


@pytest.mark.parametrize(("transactions", "calls"), [([], 1), (None, 2), ("none", 2), (["0x01"], 2)])
def test_a_next_block_without_transactions_has_no_logs(chain: FakeChain, transactions: object, calls: int) -> None:
    """One call; where the node does not say, its logs are asked for."""

    class Node:
        def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
            answer = chain.call(method, params, timeout_s)
            return answer | {"transactions": transactions} if method == "eth_getBlockByNumber" else answer

    _, found = scan(Rpc(Node()), CONTRACT, marks(chain, 9), 1)
    assert found is not None
    assert (found.logs, list(found.marks)) == ((), marks(chain, 10))
    assert chain.calls.total() == calls


def test_a_range_is_verified_at_both_ends(chain: FakeChain) -> None:
    """Head, checkpoint, logs, head again."""
    _, found = scan(Rpc(chain), CONTRACT, marks(chain, 5), 1)
    assert found is not None
    assert not found.logs
    assert chain.calls.total() == 4


@pytest.mark.parametrize(("depth", "ancestor"), [(1, 8), (3, 5), (6, 3), (10, 0)])
def test_a_reorg_goes_back_to_the_newest_common_block(chain: FakeChain, depth: int, ancestor: int) -> None:
    """The trail holds blocks 3, 5, 8 and 10: the newest one still canonical is the ancestor, or the start."""
    trail = marks(chain, 3, 5, 8, 10)
    chain.reorg(depth)
    _, found = scan(Rpc(chain), CONTRACT, trail, 1)
    assert found is not None
    assert found.ancestor == ancestor
    assert [log.number for log in found.logs] == ([4] if ancestor < 4 and depth < 7 else [])


def test_a_shorter_chain_is_a_reorg(chain: FakeChain) -> None:
    """Rolled back to block 8 with the same hash: everything above is forgotten."""
    trail = marks(chain, 5, 8, 10)
    del chain.blocks[9:]
    _, found = scan(Rpc(chain), CONTRACT, trail, 1)
    assert found is not None
    assert found.ancestor == 8


def test_empty_logs_during_a_reorg_are_not_believed(chain: FakeChain) -> None:
    """The head moves between the first look and the last: nothing is learnt."""

    def reorganise(method: str, params: list[Any]) -> None:
        if method == "eth_getLogs":
            chain.before_call = None
            chain.reorg(8)

    chain.before_call = reorganise
    with pytest.raises(ChainMoved, match="during the scan"):
        scan(Rpc(chain), CONTRACT, marks(chain, 2), 1)


def test_a_single_block_that_is_orphaned_meanwhile_is_not_believed(chain: FakeChain) -> None:
    """Asked by hash, the node no longer has that block."""

    def reorganise(method: str, params: list[Any]) -> None:
        if method == "eth_getLogs":
            chain.reorg(1)

    operate(chain, 2)
    chain.mine()
    chain.before_call = reorganise
    with pytest.raises(RpcRefused, match="block not found"):
        scan(Rpc(chain), CONTRACT, marks(chain, 10), 1)


def test_a_log_of_an_orphaned_block_is_not_believed(chain: FakeChain) -> None:
    """Every log must carry the hash of the canonical block at its number."""
    chain.blocks[4].logs[0]["blockHash"] = "0x" + "99" * 32
    with pytest.raises(ChainMoved, match="expected block 4 as"):
        scan(Rpc(chain), CONTRACT, marks(chain, 2), 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [("blockNumber", "0x1"), ("blockNumber", None), ("removed", True), ("address", "0x" + "11" * 20), ("topics", None)],
)
def test_a_malformed_or_foreign_log_fails_the_scan(chain: FakeChain, field: str, value: object) -> None:
    """A log out of range, without a number, removed, of another contract, or without topics is an error."""
    chain.blocks[4].logs[0][field] = value
    with pytest.raises(RpcMalformed):
        scan(Rpc(chain), CONTRACT, marks(chain, 2), 1)
