"""Nonces: asked for once a head, never one that is taken."""

from __future__ import annotations

from pathlib import Path

from .bench import Bench


def test_the_node_is_asked_once_for_each_head(tmp_path: Path) -> None:
    """Many calls are submitted in one poll; the head's count is the same for all of them."""
    bench = Bench(tmp_path)
    two = bench.chains["two"]
    for number in range(1, 9):
        bench.buffer("two", number, at=20)
    asked: list[int] = []
    bench.run(40, until=lambda: asked.append(two.calls["eth_getTransactionCount"]) or len(two.sent) >= 8)  # type: ignore[func-returns-value]
    assert sorted(tx.nonce for tx in two.pool.values()) == list(range(8))
    assert asked[-1] - asked[-2] == 2  # the first nonce of all, and the head's count


def test_a_nonce_that_a_stranger_used_is_passed_over(tmp_path: Path) -> None:
    """What is under way has nonce 0, which is gone, and the account's count has moved far beyond."""
    bench = Bench(tmp_path)
    two = bench.chains["two"]
    bench.buffer("two", 1, at=10)
    bench.run(40, until=lambda: bool(two.sent))
    two.pool.clear()
    two.head.nonces[bench.account.address] = 5
    bench.buffer("two", 2, at=bench.clock.ms // 1000 + 4)
    bench.run(20)
    assert bench.state("two", 1) == bench.state("two", 2) == "EXECUTED"
    assert min(tx.nonce for block in two.blocks for tx in block.txs) == 5
