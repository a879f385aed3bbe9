"""Sending: lost replies, duplicates, replacements, dropped transactions, nonces, and cancelled intents."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from lab.coordinator import Codec
from lab.relayer.sending.fees import ESCALATIONS_MAX

from .bench import Bench, tx_id
from .fakes import GENESIS, decode_raw


def sent_nonces(bench: Bench, chain: str) -> list[int]:
    """Nonces of all raw transactions that reached a chain, in order."""
    return [decode_raw(raw, bench.account.address).nonce for raw in bench.chains[chain].sent]


def test_a_lost_reply_is_looked_up_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    """The node took it and the answer vanished: found by hash, so the second send never happens."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.run(6)
    bench.chains["two"].lose_replies = 1
    bench.run(30)
    assert bench.state("two", 1) == "EXECUTED"
    assert sent_nonces(bench, "two") == [0, 1]


def test_a_lost_request_is_sent_again_with_identical_bytes(tmp_path: Path) -> None:
    """The node never got it: the same nonce, the same bytes."""
    bench = Bench(tmp_path)
    attempts: list[str] = []
    bench.chains["two"].before_call = lambda method, params: (
        attempts.append(params[0]) if method == "eth_sendRawTransaction" else None
    )
    bench.buffer("two", 1, at=10)
    bench.chains["two"].lose_requests = 2
    bench.run(40)
    assert bench.state("two", 1) == "EXECUTED"
    assert len(attempts) == 4
    assert attempts[0] == attempts[1] == attempts[2] != attempts[3]


@pytest.mark.parametrize("answer", ["already known", "transaction already imported"])
def test_a_duplicate_answer_counts_as_sent(tmp_path: Path, answer: str) -> None:
    """Nodes that know the bytes already say so in different words; the job goes on without an error."""
    bench = Bench(tmp_path)
    chain = bench.chains["two"]
    bench.buffer("two", 1, at=10)
    bench.run(6)

    def already(method: str, params: list[object]) -> None:
        if method == "eth_sendRawTransaction":
            chain.before_call = None
            tx = decode_raw(str(params[0]), bench.account.address)
            chain.pool[(tx.sender, tx.nonce)] = tx
            chain.refuse_sends = [answer]

    chain.before_call = already
    bench.run(30)
    assert bench.state("two", 1) == "EXECUTED"
    assert sent_nonces(bench, "two") == [0, 1]
    assert not [note for note in bench.notes if note["event"] == "rpc_failure"]


def test_a_base_fee_above_the_offer_is_outbid_at_the_same_nonce(tmp_path: Path) -> None:
    """The spike outruns the offer: a replacement with a higher fee, by the bump at least, for the same nonce."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.run(8)
    chain = bench.chains["two"]
    assert len(chain.sent) == 1
    chain.base_fee *= 5
    bench.run(2)
    assert len(chain.sent) == 2, "at once, not when patience ends"
    bench.run(20)
    assert bench.state("two", 1) == "EXECUTED"
    first, second = (decode_raw(raw, bench.account.address) for raw in chain.sent[:2])
    assert (first.nonce, first.data) == (second.nonce, second.data)
    assert second.max_fee >= 2 * chain.base_fee
    assert 10 * second.tip >= 11 * first.tip


def test_what_is_not_mined_is_raised_again_and_again_but_boundedly(tmp_path: Path) -> None:
    """Four minutes without room in the blocks: one nonce, at least 10% more each time, few transactions."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.chains["two"].block_gas_limit = 0
    bench.run(250)
    offers = [decode_raw(raw, bench.account.address) for raw in bench.chains["two"].sent]
    assert 3 <= len(offers) <= 8
    assert {offer.nonce for offer in offers} == {0}
    assert len({offer.data for offer in offers}) == 1
    for before, after in pairwise(offers):
        assert 10 * after.max_fee >= 11 * before.max_fee
        assert 10 * after.tip >= 11 * before.tip
    bench.chains["two"].block_gas_limit = 30_000_000
    bench.run(20)
    assert not bench.chains["two"].pool


def test_a_replacement_that_a_node_finds_too_low_is_raised_further(tmp_path: Path) -> None:
    """A stranger's transaction of ours from a life without a store holds the nonce with a higher fee."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.chains["two"].refuse_sends = ["replacement transaction underpriced"]
    bench.run(40)
    assert bench.state("two", 1) == "EXECUTED"
    first, second, _ = (decode_raw(raw, bench.account.address) for raw in bench.chains["two"].sent)
    assert first.nonce == second.nonce
    assert 10 * second.max_fee >= 11 * first.max_fee


def test_an_offer_below_the_coming_base_fee_is_raised_where_no_block_tells_of_it(tmp_path: Path) -> None:
    """No block came since the fee rose, so the head's fee is an old one: the node is asked, and the offer raised."""
    bench = Bench(tmp_path)
    bench.buffer("lazy", 1, at=10)
    bench.run(6)
    chain = bench.chains["lazy"]
    chain.base_fee *= 20
    bench.run(12)
    assert bench.state("lazy", 1) == "EXECUTED"
    first, second, *_ = (decode_raw(raw, bench.account.address) for raw in chain.sent)
    assert (first.nonce, first.data) == (second.nonce, second.data)
    assert first.max_fee < chain.base_fee <= second.max_fee


def test_a_mirror_that_no_node_took_is_made_anew_once_its_time_is_over(tmp_path: Path) -> None:
    """Refused for longer than its timestamp lies ahead: what is sent then carries a new one, at the same nonce."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.buffer("lazy", 2, at=10, after=1)
    chain = bench.chains["lazy"]
    chain.refuse_sends = ["exceeds block gas limit"] * 3
    bench.run(60)
    assert bench.state("lazy", 2) == "EXECUTED"
    mirrors = [tx for tx in (decode_raw(raw, bench.account.address) for raw in chain.sent) if tx.nonce == 0]
    assert len({tx.data for tx in mirrors}) >= 2
    assert all(receipt["status"] == "0x1" for block in chain.blocks for receipt in block.receipts.values())


@pytest.mark.parametrize("dropped", [True, False])
def test_a_mirror_whose_time_runs_out_before_it_is_mined_is_replaced_by_a_fresh_one(
    tmp_path: Path, dropped: bool
) -> None:
    """Gone from the pool, or stuck in it: as it is it could only revert, and that would cost another block."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=24, after=1)
    chain = bench.chains["one"]
    bench.run(60, until=lambda: bool(chain.sent))
    room, chain.block_gas_limit = chain.block_gas_limit, 0
    if dropped:
        chain.pool.clear()
    bench.run(14)
    chain.block_gas_limit = room
    bench.run(40)
    assert bench.state("one", 2) == "EXECUTED"
    mirrors = [tx for tx in (decode_raw(raw, bench.account.address) for raw in chain.sent) if tx.nonce == 0]
    calls = [Codec(bench.abi).decode_call(tx.data) for tx in mirrors]
    stamps = [int(call.args["timestamp"]) for call in calls if call is not None]
    assert len(set(stamps)) >= 2
    assert stamps == sorted(stamps)
    assert all(receipt["status"] == "0x1" for block in chain.blocks for receipt in block.receipts.values())


def test_a_mirror_that_is_lost_time_and_again_is_made_anew_until_it_is_mined(tmp_path: Path) -> None:
    """Found by the swarm: after so many raised offers it was given up, though its child's window was long open."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=24, after=1)
    bench.chains["one"].operate("set_coordination_window", 300)
    chain = bench.chains["one"]
    bench.run(60, until=lambda: bool(chain.sent))
    room, chain.block_gas_limit = chain.block_gas_limit, 0
    lost: set[str] = set()
    while len(lost) < ESCALATIONS_MAX + 6 and bench.clock.ms < 250_000:
        chain.pool.clear()
        bench.run(1)
        lost.update(chain.sent)
    assert len(lost) == ESCALATIONS_MAX + 6
    assert len({decode_raw(raw, bench.account.address).max_fee for raw in lost}) == 1 + ESCALATIONS_MAX
    chain.block_gas_limit = room
    bench.run(40)
    assert bench.state("one", 2) == "EXECUTED"


@pytest.mark.parametrize("chain", ["two", "lazy"])
def test_a_dropped_transaction_is_sent_again_with_the_same_bytes(tmp_path: Path, chain: str) -> None:
    """The pool forgot it (a node restart): the same bytes again, also where no block comes by itself."""
    bench = Bench(tmp_path)
    bench.buffer(chain, 1, at=10)
    bench.run(40, until=lambda: len(bench.chains[chain].sent) == 1)
    bench.chains[chain].pool.clear()
    bench.run(20)
    assert bench.state(chain, 1) == "EXECUTED"
    sent = bench.chains[chain].sent
    assert sent[0] == sent[1]
    assert len(sent) == 3


def test_a_nonce_used_by_a_stranger_leads_to_a_new_intent(tmp_path: Path) -> None:
    """The account sends something else with our nonce: the job is planned anew and still done once."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    chain = bench.chains["two"]
    bench.run(40, until=lambda: len(chain.sent) == 1)
    chain.pool.clear()
    chain.head.nonces[bench.account.address] += 1
    bench.run(30)
    assert bench.state("two", 1) == "EXECUTED"
    assert sorted(set(sent_nonces(bench, "two"))) == [0, 1, 2]
    assert [note["event"] for note in bench.notes].count("lost") == 1


def test_one_job_never_has_two_nonces_alive(tmp_path: Path) -> None:
    """Through lost replies, a fee spike and a full block no job is ever bound to two nonces."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=24, after=1)
    bench.chains["two"].lose_replies = 1
    bench.chains["one"].lose_requests = 1
    bench.run(12)
    bench.chains["one"].base_fee *= 4
    bench.run(60)
    assert bench.state("one", 2) == "EXECUTED"
    for name, chain in bench.chains.items():
        by_call: dict[str, set[int]] = {}
        for raw in chain.sent:
            tx = decode_raw(raw, bench.account.address)
            by_call.setdefault(tx.data, set()).add(tx.nonce)
        assert all(len(nonces) == 1 for nonces in by_call.values()), name


def test_a_pending_resolve_of_a_child_is_cancelled_when_its_parent_is_lost(tmp_path: Path) -> None:
    """The parent's chain reorganises while the child's calls wait in the pool: empty transactions take their place."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=24, after=1)
    bench.run(60, until=lambda: bench.state("one", 1) == "BUFFERED")
    one = bench.chains["one"]
    one.block_gas_limit = 0
    bench.run(20, until=lambda: len(one.pool) == 2)
    assert len(one.pool) == 2
    bench.chains["two"].reorg(bench.chains["two"].head.number)
    bench.run(4)
    one.block_gas_limit = 30_000_000
    bench.run(80)
    assert bench.state("one", 1) == "BUFFERED"
    assert bench.state("one", 2) == "EXPIRED"
    assert not one.pool


def test_a_call_that_cannot_be_vouched_for_does_not_block_the_queue(tmp_path: Path) -> None:
    """The parent's chain is down and the child's resolve was dropped: its nonce is freed for the flows behind it."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=24, after=1)
    bench.buffer("one", 5, at=30)
    bench.run(60, until=lambda: bench.state("one", 1) == "BUFFERED")
    one = bench.chains["one"]
    one.block_gas_limit = 0
    bench.run(20, until=lambda: len(one.pool) == 2)
    bench.chains["two"].down = True
    one.pool.clear()
    one.block_gas_limit = 30_000_000
    bench.run(40)
    assert bench.state("one", 2) == "BUFFERED"
    assert bench.state("one", 5) == "EXECUTED"


def test_a_resolve_that_succeeds_too_early_is_no_success(tmp_path: Path) -> None:
    """Status 1 with "Dependencies not satisfied": the relayer sees that nothing became ready, and tries again."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=11)
    bench.run(10)
    chain = bench.chains["two"]
    assert len(chain.sent) == 1
    chain.mine(GENESIS + 10)  # a block earlier than its turn
    assert chain.head.receipts
    assert chain.state_of(tx_id(1)) == "BUFFERED"
    bench.run(20)
    assert bench.state("two", 1) == "EXECUTED"
    assert [note["event"] for note in bench.notes].count("failed") == 1


def test_a_receipt_newer_than_the_scan_is_not_judged_yet(tmp_path: Path) -> None:
    """Mined between the scan and the look at the receipt: its events were not read, so it has not failed."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.run(8)
    chain = bench.chains["two"]
    assert len(chain.pool) == 1
    chain.block_gas_limit = 0
    bench.run(1)

    def mine_now(method: str, params: list[object]) -> None:
        if method == "eth_getTransactionCount":
            chain.before_call, chain.block_gas_limit = None, 30_000_000
            chain.mine(GENESIS + 10)

    chain.before_call = mine_now
    bench.run(1)
    assert chain.before_call is None
    assert chain.state_of(tx_id(1)) == "READY"
    bench.run(10)
    assert bench.state("two", 1) == "EXECUTED"
    assert "failed" not in [note["event"] for note in bench.notes]


def test_two_attempts_at_one_job_lost_in_a_reorg_do_not_both_come_back(tmp_path: Path) -> None:
    """A resolve that came too early and its successor are orphaned: the first is sent again, the other cancelled."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=11)
    bench.run(10)
    chain = bench.chains["two"]
    chain.mine(GENESIS + 10)
    bench.run(20, until=lambda: bench.state("two", 1) == "READY")
    assert [tx.nonce for block in chain.blocks for tx in block.txs] == [0, 1]
    chain.pool.clear()
    chain.reorg(chain.head.number - 5)
    chain.block_gas_limit = 0
    bench.run(4)
    resolves = [tx.nonce for tx in chain.pool.values() if tx.data == decode_raw(chain.sent[0], "").data]
    assert resolves == [0]
    chain.block_gas_limit = 30_000_000
    bench.run(20)
    assert bench.state("two", 1) == "EXECUTED"
    assert not chain.pool
