"""Endpoints that lie, leave out, or lag, and accounts that others use: the relayer finds out, and goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.coordinator import role_account
from lab.model.chain.finality import Finality
from lab.relayer.memory.store import Store
from lab.relayer.reading.news import LOWER_HEADS_MAX
from lab.rpc import RpcRefused

from .bench import Bench, tx_id
from .fakes import COUNTED_ABI, GENESIS, FakeChain, MinedBlock, Pooled


def test_an_endpoint_of_another_chain_is_not_believed(tmp_path: Path) -> None:
    """From the start: nothing is read from it and nothing sent to it; once it is right, everything happens."""
    bench = Bench(tmp_path)
    bench.chains["two"].chain_id = 1
    bench.buffer("two", 1, at=20)
    bench.run(24)
    assert bench.chains["two"].sent == []
    assert bench.relayer is not None
    assert not bench.relayer.idle()
    bench.chains["two"].chain_id = 101
    bench.run(10)
    assert bench.state("two", 1) == "EXECUTED"


def test_an_exchanged_endpoint_takes_nothing_away(tmp_path: Path) -> None:
    """One that suddenly shows another history is asked who it is, and what was known before stays known."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=40)
    bench.run(10)
    right = bench.chains["two"].blocks
    bench.chains["two"].chain_id, bench.chains["two"].blocks = 1, bench.chains["one"].blocks
    bench.run(10)
    assert [entry.tx_id for entry in bench.store().entries()] == [tx_id(1)]
    assert [note["ancestor"] for note in bench.notes if note["event"] == "reorg"] == []
    bench.chains["two"].chain_id, bench.chains["two"].blocks = 101, right
    bench.run(30)
    assert bench.state("two", 1) == "EXECUTED"


def test_a_node_that_syncs_again_is_not_believed(tmp_path: Path) -> None:
    """It lost its state and shows the beginning of the chain: nothing is orphaned by that, and all goes on after."""
    bench = Bench(tmp_path)
    two = bench.chains["two"]
    bench.buffer("two", 1, at=30)
    bench.run(10)
    whole = two.blocks
    two.blocks, two.syncing = whole[:2], True
    for _ in range(4):
        bench.clock.ms += 2000
        assert bench.relayer is not None
        bench.relayer.step()
    assert [entry.tx_id for entry in bench.store().entries()] == [tx_id(1)]
    assert [note for note in bench.notes if note["event"] == "reorg"] == []
    assert any("with the whole chain" in note.get("error", "") for note in bench.notes)
    two.blocks, two.syncing = whole, False
    bench.run(30)
    assert bench.state("two", 1) == "EXECUTED"


@pytest.mark.parametrize("looks", [1, LOWER_HEADS_MAX - 1])
def test_a_replica_that_is_behind_is_no_reorg(tmp_path: Path, looks: int) -> None:
    """Found by the swarm: what was sent above the lower head was sent again, at a cost."""
    bench = Bench(tmp_path)
    two = bench.chains["two"]
    bench.buffer("two", 1, at=50)
    bench.run(10)
    for _ in range(3):
        whole = two.blocks
        two.blocks = whole[:-2]
        for _ in range(looks):
            bench.clock.ms += 2000
            assert bench.relayer is not None
            bench.relayer.step()
        two.blocks = whole
        bench.run(4)
    assert [note for note in bench.notes if note["event"] == "reorg"] == []
    bench.run(30)
    assert bench.state("two", 1) == "EXECUTED"
    assert len(two.sent) == 2


def test_a_chain_that_went_back_is_believed_in_the_end(tmp_path: Path) -> None:
    """It lost its newest blocks, and shows that several times."""
    bench = Bench(tmp_path)
    two = bench.chains["two"]
    bench.run(10)
    bench.buffer("two", 1, at=60)
    bench.run(2)
    two.blocks = two.blocks[:-2]
    for _ in range(LOWER_HEADS_MAX):
        bench.clock.ms += 2000
        assert bench.relayer is not None
        bench.relayer.step()
    assert [note["ancestor"] for note in bench.notes if note["event"] == "reorg"] == [two.head.number]
    assert bench.store().entries() == []


def test_logs_that_are_left_out_are_missed(tmp_path: Path) -> None:
    """The contract's own count gives it away: the scan is repeated until all are there."""
    bench = Bench(tmp_path, abi=COUNTED_ABI)
    bench.chains["two"].hide_logs = True
    bench.buffer("two", 1, at=20)
    bench.run(12)
    assert bench.store().entries() == []
    assert any("as the contract counts" in note.get("error", "") for note in bench.notes)
    bench.chains["two"].hide_logs = False
    bench.run(20)
    assert bench.state("two", 1) == "EXECUTED"


@pytest.mark.parametrize("life", ["one", "restarted", "absent", "abandoned"])
def test_logs_are_missed_after_the_state_before_them_is_pruned(tmp_path: Path, life: str) -> None:
    """Found by the swarm: a restart forgot the count at the scan position, which the node could not tell any more.

    It is stored: a relayer may be down for longer than a node keeps state.
    """
    bench = Bench(tmp_path, abi=COUNTED_ABI)
    two = bench.chains["two"]
    bench.run(4)
    right, keeps = two._eth_call, 8

    def pruned(request: dict[str, Any], ref: Any) -> str:
        if isinstance(ref, dict) and two._at(ref).number < two.head.number - keeps:
            raise RpcRefused("eth_call", -32000, "missing trie node")
        return right(request, ref)

    two.hide_logs, two._eth_call = True, pruned  # type: ignore[method-assign]
    assert bench.relayer is not None
    if life in ("absent", "abandoned"):
        bench.run(60)
        bench.relayer.close() if life == "absent" else bench.relayer.abandon()
        bench.relayer = None
    bench.buffer("two", 1, at=150)
    bench.run(6)
    if life == "restarted":
        assert bench.relayer is not None
        bench.relayer.close()
    if life in ("absent", "abandoned"):
        bench.run(30)
    if life != "one":
        bench.relayer = bench.start()
    bench.run(30)
    assert bench.store().entries() == []
    two.hide_logs = False
    bench.run(150)
    assert bench.state("two", 1) == "EXECUTED"


def test_an_empty_block_does_not_vouch_for_the_logs_of_those_before_it(tmp_path: Path) -> None:
    """The head with the log was counted but not taken over; with the next one the log is left out."""
    bench = Bench(tmp_path, abi=COUNTED_ABI)
    two = bench.chains["two"]
    bench.run(4)
    right = two._eth_call

    def without_details(request: dict[str, Any], ref: Any) -> str:
        call = two.codec.decode_call(request["data"])
        if call is not None and call.function == "transactions":
            raise RpcRefused("eth_call", -32000, "busy")
        return right(request, ref)

    two._eth_call = without_details  # type: ignore[method-assign]
    bench.buffer("two", 1, at=30)
    bench.run(2)
    assert bench.store().entries() == []
    two.hide_logs, two._eth_call = True, right  # type: ignore[method-assign]
    bench.run(6)
    two.hide_logs = False
    bench.run(40)
    assert bench.state("two", 1) == "EXECUTED"


def test_a_replica_that_is_behind_does_not_vouch_for_its_logs(tmp_path: Path) -> None:
    """Found by the swarm: the head comes from one node, logs and count from another that has not seen it yet."""
    bench = Bench(tmp_path, abi=COUNTED_ABI)
    two = bench.chains["two"]
    bench.buffer("two", 1, at=30)
    bench.run(4)
    right = two._eth_call

    def behind(request: dict[str, Any], ref: Any) -> str:
        if isinstance(ref, dict) and ref["blockHash"] == two.head.hash:
            raise RpcRefused("eth_call", -32001, "header not found")
        return right(request, ref)

    two.hide_logs, two._eth_call = True, behind  # type: ignore[method-assign]
    bench.buffer("two", 2, at=30)
    bench.run(6)
    assert {entry.tx_id for entry in bench.store().entries()} == {tx_id(1)}
    two.hide_logs, two._eth_call = False, right  # type: ignore[method-assign]
    bench.run(30)
    assert bench.state("two", 2) == "EXECUTED"


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_contract_that_counts_something_else_is_not_waited_for(tmp_path: Path, count: int) -> None:
    """A counter that rises less than the logs tell proves nothing, and stops nobody."""
    bench = Bench(tmp_path, abi=COUNTED_ABI)
    for chain in bench.chains.values():
        chain.count = count
    bench.buffer("two", 1, at=20)
    bench.buffer("two", 2, at=20)
    bench.run(30)
    assert bench.state("two", 1) == ("BUFFERED" if count == 7 else "EXECUTED")


def test_a_ready_that_was_never_told_is_seen_in_the_state(tmp_path: Path) -> None:
    """The receipt of its own resolve names the block, to the hash."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=20)
    bench.run(18)
    bench.chains["two"].hide_logs = True
    bench.run(12)
    assert bench.state("two", 1) == "EXECUTED"
    (entry,) = bench.store().entries()
    block = next(b for b in bench.chains["two"].blocks if any(log["topics"][1] == tx_id(1) for log in b.logs[-1:])
                 and b.timestamp >= GENESIS + 20)  # fmt: skip
    assert entry.ready is not None
    assert (entry.ready.number, entry.ready.hash) == (block.number, block.hash)


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_provider_with_a_narrow_range_is_asked_in_parts(tmp_path: Path, limit: int) -> None:
    """Also after a long absence, in which the gap has grown far beyond the limit."""
    bench = Bench(tmp_path)
    bench.chains["two"].log_range = limit
    relayer, bench.relayer = bench.relayer, None
    bench.buffer("two", 1, at=60)
    bench.run(46)
    bench.relayer = relayer
    bench.run(24)
    assert bench.state("two", 1) == "EXECUTED"


@pytest.mark.parametrize("name", ["one", "two", "lazy"])
def test_a_stuck_transaction_of_somebody_elses_is_replaced(tmp_path: Path, name: str) -> None:
    """Its nonce lies below ours and its fee below every base fee: an empty transaction takes its place.

    Also on a chain on which no block comes while nothing can be mined.
    """
    bench = Bench(tmp_path)
    chain, address = bench.chains[name], role_account("relayer").address
    bench.buffer(name, 1, at=20)
    bench.run(8)
    chain.pool[(address, 0)] = Pooled("0xdead", address, 0, 1, 1, 21000, address, "0x")
    mine = chain.mine

    def mine_if_any(timestamp: int | None = None) -> MinedBlock:
        waiting = chain.pool.values()
        stuck = waiting and all(tx.nonce > chain.head.nonces[address] or tx.max_fee == 1 for tx in waiting)
        return chain.head if stuck else mine(timestamp)

    if name == "lazy":
        chain.mine = mine_if_any  # type: ignore[method-assign]
    bench.run(10)
    assert bench.relayer is not None
    # Refused for what the stuck one would do, and not to be asked for long: what was replaced does nothing any more.
    bench.buffer(name, 2, at=30)
    bench.relayer._caller._retry["resolve", name, tx_id(2)] = (10**9, 1)
    bench.run(50)
    assert [bench.state(name, number) for number in (1, 2)] == ["EXECUTED", "EXECUTED"]
    fills = [note for note in bench.notes if note["event"] == "filling"]
    assert [note["nonce"] for note in fills] == [0]
    assert chain.pool == {}
    assert bench.relayer.idle()


def test_several_nonces_of_somebody_elses_are_replaced_at_once(tmp_path: Path) -> None:
    """Not one after the other, each after the same patience: what waits behind them would miss its window."""
    bench = Bench(tmp_path)
    chain, address = bench.chains["two"], role_account("relayer").address
    bench.buffer("two", 1, at=20)
    bench.run(8)
    for nonce in range(3):
        chain.pool[(address, nonce)] = Pooled(f"0xdead{nonce}", address, nonce, 1, 1, 21000, address, "0x")
    bench.run(50)
    assert bench.state("two", 1) == "EXECUTED"
    first = next(place for place, note in enumerate(bench.notes) if note["event"] == "filling")
    together = [(note["event"], note.get("nonce")) for note in bench.notes[first:][:3]]
    assert together == [("filling", 0), ("filling", 1), ("filling", 2)]


def test_a_nonce_below_ours_that_is_about_to_be_mined_is_left_alone(tmp_path: Path) -> None:
    """An earlier life may have left it in the pool."""
    bench = Bench(tmp_path)
    chain, address = bench.chains["two"], role_account("relayer").address
    chain.pool[(address, 0)] = Pooled("0xdead", address, 0, 10**12, 10**9, 21000, address, "0x")
    bench.buffer("two", 1, at=20)
    bench.run(30)
    assert bench.state("two", 1) == "EXECUTED"
    assert [note for note in bench.notes if note["event"] == "filling"] == []


@pytest.mark.parametrize("refused", [False, True])
def test_a_clock_that_is_behind_costs_one_attempt(tmp_path: Path, refused: bool) -> None:
    """A resolve that came too early by the chain's own time is not repeated before that time has come.

    Nor does it matter whether the node has a pending block to show.
    """
    bench = Bench(tmp_path)
    lazy = bench.chains["lazy"]

    def refuse(method: str, params: list[Any]) -> None:
        if refused and params[:1] == ["pending"]:
            raise RpcRefused(method, -32602, "invalid block tag")

    lazy.before_call = refuse
    bench.buffer("lazy", 1, at=20)
    bench.run(2)
    mine = lazy.mine
    lazy.mine = lambda timestamp=None: mine(timestamp - 10 if timestamp else None)  # type: ignore[method-assign]
    bench.run(40)
    assert bench.state("lazy", 1) == "EXECUTED"
    resolves = [note for note in bench.notes if note["event"] == "sending" and note["kind"] == "resolve"]
    assert len(resolves) == 2


@pytest.mark.parametrize("shows_coming", [True, False])
@pytest.mark.parametrize(("name", "offset_s"), [("lazy", -20), ("lazy", -45), ("one", -20), ("one", -45), ("one", 45)])
def test_a_clock_that_stands_costs_few_attempts(tmp_path: Path, name: str, offset_s: int, shows_coming: bool) -> None:
    """Found by the swarm: a clock that is set back stands until the others have caught up, and so does one that was
    ahead and is set right. Six resolves went there, one at each poll, and the leg was given up.
    """
    bench = Bench(tmp_path)
    chain, blocks = bench.chains[name], bench.chains[name].mine
    ahead_until_ms = 20_000 if offset_s > 0 else 0

    def carried() -> int:
        off = offset_s if offset_s < 0 or bench.clock.ms < ahead_until_ms else 0
        least = 0 if name == "lazy" else 1
        return max(GENESIS + bench.clock.ms // 1000 + off, chain.head.timestamp + least)

    def show(method: str, params: list[Any]) -> None:
        chain.coming_timestamp = carried() if shows_coming else None

    bench.buffer(name, 1, at=24 + max(0, offset_s))
    bench.run(1 if offset_s > 0 else 18)
    chain.mine = lambda timestamp=None: blocks(carried())  # type: ignore[method-assign]
    chain.before_call = show
    bench.chains[name].operate("set_coordination_window", 300)
    bench.run(150)
    assert bench.state(name, 1) == "EXECUTED"
    resolves = [note for note in bench.notes if note["event"] == "sending" and note["kind"] == "resolve"]
    assert len(resolves) <= 4


@pytest.mark.parametrize("shows_coming", [True, False])
def test_an_expiry_that_came_too_early_tells_of_the_clock(tmp_path: Path, shows_coming: bool) -> None:
    """Found by the swarm: after a restart nothing was known of the clock, and three expiries reverted in vain.

    By the chain's own time the window was open yet, so it is executed.
    """
    bench = Bench(tmp_path)
    lazy, mine = bench.chains["lazy"], bench.chains["lazy"].mine
    off = -20

    def carried() -> int:
        return max(GENESIS + bench.clock.ms // 1000 + off, lazy.head.timestamp)

    def show(method: str, params: list[Any]) -> None:
        lazy.coming_timestamp = carried() if shows_coming else None

    lazy.operate("set_coordination_window", 30)
    bench.buffer("lazy", 1, at=20)
    bench.run(2)
    bench.relayer = None
    bench.run(52)
    lazy.mine, lazy.before_call = lambda timestamp=None: mine(carried()), show  # type: ignore[method-assign]
    bench.relayer = bench.start()
    bench.run(30)
    off = 0
    bench.run(90)
    assert bench.state("lazy", 1) == "EXECUTED"
    expiries = [note for note in bench.notes if note["event"] == "sending" and note["kind"] == "expire"]
    assert len(expiries) == 1


def test_a_clock_that_is_right_again_is_noticed_without_a_block(tmp_path: Path) -> None:
    """Found by the swarm: where blocks are rare, the block to come tells it, and nothing waits for the old delay."""
    bench = Bench(tmp_path)
    lazy = bench.chains["lazy"]
    bench.buffer("lazy", 1, at=20)
    bench.run(2)
    mine = lazy.mine
    lazy.mine = lambda timestamp=None: mine(timestamp - 20 if timestamp else None)  # type: ignore[method-assign]
    bench.run(22)
    assert bench.state("lazy", 1) == "BUFFERED"
    lazy.mine, lazy.coming_timestamp = mine, GENESIS + bench.clock.ms // 1000  # type: ignore[method-assign]
    bench.run(6)
    assert bench.state("lazy", 1) == "EXECUTED"


def executed_by_a_twin(node: FakeChain) -> MinedBlock:
    """READY and EXECUTED by calls that are not the relayer's; the block since which it is READY."""
    node.operate("resolve_dependency", tx_id(1))
    node.mine(GENESIS + 20)
    ready = node.head
    node.operate("mark_executed", tx_id(1))
    return ready


@pytest.mark.parametrize("limit", [None, 2])
def test_what_a_twin_did_is_looked_up_when_no_log_told_of_it(tmp_path: Path, limit: int | None) -> None:
    """Found by the swarm: it was READY and EXECUTED elsewhere, unseen. The book must say in which block.

    Also where the provider wants narrow ranges.
    """
    bench = Bench(tmp_path)
    two = bench.chains["two"]
    two.log_range = limit
    bench.buffer("two", 1, at=20)
    bench.run(10)
    two.hide_logs = True
    ready = executed_by_a_twin(two)
    bench.run(20)
    (entry,) = bench.store().entries()
    assert (entry.ready, entry.ended) == (None, None)
    two.hide_logs = False
    bench.run(40)
    (entry,) = bench.store().entries()
    assert entry.ready is not None
    assert entry.ready.hash == ready.hash
    assert entry.end_state == "EXECUTED"


@pytest.mark.parametrize("chain", ["two", "lazy"])
def test_an_older_store_learns_where_what_it_lost_became_ready(tmp_path: Path, chain: str) -> None:
    """Found by the swarm: the logs were left out when it started on it, and came back once its window was over.

    Until then nothing is sent for it, and the checkpoint stays below.
    """
    bench = Bench(tmp_path)
    node = bench.chains[chain]
    bench.buffer(chain, 1, at=20)
    bench.run(10)
    bench.relayer = None
    ready = executed_by_a_twin(node)
    bench.run(12)
    node.hide_logs = True
    bench.relayer = bench.start()
    bench.run(50)
    (entry,) = bench.store().entries()
    assert (entry.ready, entry.ended) == (None, None)
    assert node.sent == []
    checkpoint = bench.store().checkpoint(chain)
    assert checkpoint is None or checkpoint[0] < ready.number
    node.hide_logs = False
    bench.run(10)
    (entry,) = bench.store().entries()
    assert entry.ready is not None
    assert (entry.ready.hash, entry.end_state) == (ready.hash, "EXECUTED")
    node.operate("pause")
    node.operate("unpause")
    bench.run(60)
    bench.relayer.close()
    checkpoint = bench.store().checkpoint(chain)
    assert checkpoint is not None
    assert checkpoint[0] >= ready.number


@pytest.mark.parametrize("maker", ["its own call", "a twin's"])
def test_a_mirror_is_looked_up_once_its_child_is_ready(tmp_path: Path, maker: str) -> None:
    """Found by the swarm: the log of its READY was left out, and no call was wanted any more that would tell.

    Of its own call the receipt says where, but a replica that had not seen that block yet was asked for the state.
    """
    bench = Bench(tmp_path)
    two = bench.chains["two"]
    bench.buffer("one", 1, at=10)
    bench.buffer("two", 2, at=40, after=1)
    bench.run(30)
    assert two.state_of(tx_id(1)) == "BUFFERED"
    if maker == "its own call":
        bench.run(20, until=lambda: any(i.jobs == (("resolve", "two", tx_id(1)),) for i in bench.store().intents()))
    away, bench.relayer = bench.relayer, None
    if maker == "a twin's":
        bench.run(10)
        two.operate("resolve_dependency", tx_id(1))
        two.operate("resolve_dependency", tx_id(2))
    bench.run(4)
    assert (two.state_of(tx_id(1)), two.state_of(tx_id(2))) == ("READY", "READY")
    all_logs, all_states = two._eth_getLogs, two._eth_call

    def thinned(query: dict[str, Any]) -> list[dict[str, Any]]:
        return [log for log in all_logs(query) if log["topics"][1] != tx_id(1)]

    def behind(request: dict[str, Any], ref: Any) -> str:
        if isinstance(ref, dict) and two._at(ref).number < two.head.number and tx_id(1)[2:] in request["data"]:
            raise RpcRefused("eth_call", -32000, "header for hash not found")
        return all_states(request, ref)

    two._eth_getLogs, two._eth_call = thinned, behind  # type: ignore[method-assign]
    bench.relayer = away
    bench.run(6)
    two._eth_getLogs, two._eth_call = all_logs, all_states  # type: ignore[method-assign]
    bench.run(12)
    mirror = next(entry for entry in bench.store().entries() if entry.key == ("two", tx_id(1)))
    assert mirror.ready is not None
    number = next(block.number for block in two.blocks if block.hash == mirror.ready.hash)
    assert [two.blocks[at].state.stored[tx_id(1)].state for at in (number - 1, number)] == ["BUFFERED", "READY"]
    assert bench.state("two", 2) == "EXECUTED"
    assert all(intent.status == "done" for intent in bench.store().intents())


def test_an_execution_that_the_book_lost_counts_from_its_own_block(tmp_path: Path) -> None:
    """Found by the swarm: an older store came back. The parent has long been final, and the child need not wait."""
    bench = Bench(tmp_path, execution_order="executed", finality={"one": Finality(blocks=3)})
    one = bench.chains["one"]
    bench.buffer("one", 1, at=10)
    bench.buffer("two", 2, at=20, after=1)
    bench.run(8)
    bench.relayer = None
    one.operate("resolve_dependency", tx_id(1))
    one.operate("mark_executed", tx_id(1))
    bench.run(6)
    executed = one.head
    bench.run(18)
    bench.relayer = bench.start()
    bench.run(12)
    parent = next(entry for entry in bench.store().entries() if entry.key == ("one", tx_id(1)))
    assert parent.ended is not None
    assert parent.ended.hash == executed.hash
    assert bench.state("two", 2) == "EXECUTED"


def test_another_key_takes_over_the_store(tmp_path: Path) -> None:
    """What the old key has under way is its own; the rest goes on, under the new account's nonces."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=20)
    bench.buffer("two", 2, at=40)
    bench.run(20)
    bench.chains["two"].refuse_sends = ["txpool is full"] * 3
    bench.run(2)
    assert bench.relayer is not None
    assert [intent.status for intent in bench.store().intents()] != []
    bench.relayer.close()
    bench.account = role_account("operator2")
    for chain in bench.chains.values():
        chain.sender, chain.refuse_sends = bench.account.address, []
    bench.relayer = bench.start()
    bench.run(40)
    assert bench.state("two", 1) == bench.state("two", 2) == "EXECUTED"
    assert bench.relayer.idle()
    assert bench.chains["two"].head.nonces[bench.account.address] >= 2


def test_the_store_of_another_lab_stays_refused_whatever_the_account(tmp_path: Path) -> None:
    """Only the account may differ, and it is the new one from then on."""
    path = tmp_path / "s.sqlite"
    Store(path, {"one": 1}, {"one": [1], "account": "0xaa"}, durable=False).close()
    Store(path, {"one": 1}, {"one": [1], "account": "0xbb"}, durable=False).close()
    with pytest.raises(Exception, match="expected the store of this lab"):
        Store(path, {"one": 1}, {"one": [2], "account": "0xbb"}, durable=False)


def test_what_a_pool_forgot_is_missed_in_time_for_the_next_block(tmp_path: Path) -> None:
    """Found by the swarm: a block of waiting costs a mirror its timestamp, and with it another block."""
    bench = Bench(tmp_path)
    chain = bench.chains["one"]
    bench.buffer("one", 1, at=24)
    bench.run(100, until=lambda: bool(chain.pool))
    sent_ms = bench.clock.ms
    chain.pool.clear()
    bench.run(100, until=lambda: bool(chain.pool))
    assert bench.clock.ms - sent_ms <= 4000 < chain.block_time_ms
    assert len(set(chain.sent)) == 1
