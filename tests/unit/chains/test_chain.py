"""A chain under force: reorgs, a frozen node, a killed node, on a real anvil each."""

from __future__ import annotations

import pytest

from lab.errors import LabError, NodeFailure, UsageError
from lab.model.chain.finality import Finality
from lab.model.records import AnyRecord, Block, EmptyBlocks, Reorg
from lab.networks import load_network
from lab.networks.profile import ArbitrumFee, BacklogTarget
from lab.networks.slots import SlotClock
from lab.rpc import HttpTransport, Rpc, RpcTimeout, RpcUnavailable
from lab.session.lab import VIRTUAL_GENESIS, Lab

from ..conftest import StartLab
from ..real_chains import block, buffer, hashes, head, send, signed, tx_id

ETH = "ethereum"


def at(start_lab: StartLab, seconds: int, name: str = ETH, finality: Finality | None = None) -> Lab:
    """A lab of one chain, so many seconds after genesis."""
    lab = start_lab(name, finality=finality)
    lab.scheduler.advance_to(seconds * 1000)
    lab.chains[name].look()
    return lab


def facts(lab: Lab, name: str) -> list[tuple[str, str]]:
    """Timestamp and base fee of every block."""
    blocks = [block(lab, name, number) for number in range(head(lab, name) + 1)]
    return [(found["timestamp"], found["baseFeePerGas"]) for found in blocks]


def reorgs(lab: Lab) -> list[Reorg]:
    """The reorgs on record."""
    return [record for record in lab.recorder.records if isinstance(record, Reorg)]


def test_a_reorg_replaces_blocks_in_their_slots(start_lab: StartLab) -> None:
    """Same heights, timestamps and base fees; other hashes, above the ancestor only."""
    lab = at(start_lab, 100)
    before, before_facts = hashes(lab, ETH), facts(lab, ETH)
    assert lab.chains[ETH].reorg(3, requeue=False) == ()
    after = hashes(lab, ETH)
    assert facts(lab, ETH) == before_facts
    assert after[:-3] == before[:-3]
    assert not set(after[-3:]) & set(before)
    (record,) = reorgs(lab)
    assert (record.depth, record.ancestor, record.t_ms) == (3, len(before) - 4, 100_000)


def test_a_reorg_keeps_the_gas_limit_in_force(start_lab: StartLab) -> None:
    """Found by the swarm: the ancestor was mined under a cut that had ended since, and its limit came back with it."""
    lab = at(start_lab, 50)
    chain, usual = lab.chains[ETH], lab.chains[ETH].producer.gas_limit
    chain.producer.set_gas_limit(100_000)
    lab.scheduler.advance_to(75_000)
    chain.look()
    last = head(lab, ETH)
    chain.producer.set_gas_limit(usual)
    lab.scheduler.advance_to(100_000)
    chain.look()
    chain.reorg(head(lab, ETH) - last, requeue=False)
    lab.scheduler.advance_to(130_000)
    chain.look()
    limits = [int(block(lab, ETH, number)["gasLimit"], 16) for number in range(head(lab, ETH) + 1)]
    cut = [number for number, limit in enumerate(limits) if limit == 100_000]
    assert cut[-1] == last < head(lab, ETH)


def test_every_branch_is_another(start_lab: StartLab) -> None:
    """A second reorg does not lead back to the first branch."""
    lab = at(start_lab, 100)
    tips = [hashes(lab, ETH)[-1]]
    for _ in range(3):
        lab.chains[ETH].reorg(2, requeue=False)
        tips.append(hashes(lab, ETH)[-1])
    assert len(set(tips)) == 4


def test_the_chain_goes_on_after_a_reorg_as_it_would_have(start_lab: StartLab) -> None:
    """Slots and fees of the blocks to come are those of a chain without one."""
    with_reorg, without = at(start_lab, 100, "polygon"), at(start_lab, 100, "polygon")
    with_reorg.chains["polygon"].reorg(5, requeue=False)
    for lab in (with_reorg, without):
        lab.scheduler.advance_to(130_000)
        lab.chains["polygon"].look()
    assert facts(with_reorg, "polygon") == facts(without, "polygon")


@pytest.mark.parametrize("requeue", [False, True])
def test_orphaned_transactions(start_lab: StartLab, requeue: bool) -> None:
    """Dropped ones vanish and their nonce rewinds; requeued ones come back in the blocks to come, in order."""
    lab = at(start_lab, 20)
    chain = lab.chains[ETH]
    sent = [buffer(lab, ETH, number + 1, nonce=number) for number in range(2)]
    lab.scheduler.advance_to(60_000)
    first = chain.look().receipt(sent[0])
    assert first is not None
    depth = head(lab, ETH) - int(first["blockNumber"], 16) + 1
    assert list(chain.reorg(depth, requeue=requeue)) == sent
    (record,) = reorgs(lab)
    assert record.orphaned_txs == tuple(sent)
    assert record.requeued_txs == (tuple(sent) if requeue else ())
    assert [chain.producer.rpc.receipt(tx_hash) for tx_hash in sent] == [None, None]
    lab.scheduler.advance_to(100_000)
    receipts = [chain.look().receipt(tx_hash) for tx_hash in sent]
    assert [receipt is not None for receipt in receipts] == [requeue, requeue]
    assert lab.reader(ETH).state(tx_id(1)) == ("BUFFERED" if requeue else "EMPTY")
    assert lab.reader(ETH).get("transaction_count") == (2 if requeue else 0)
    assert list(chain.observer.observed)[-2:] == sent if requeue else sent[0] not in chain.observer.observed


def test_the_history_of_a_reorg(start_lab: StartLab) -> None:
    """Line by line each height is recorded once a branch, the orphan with its transaction before the reorg's line."""
    lab = at(start_lab, 20)
    sent = buffer(lab, ETH, 1)
    lab.scheduler.advance_to(60_000)
    lab.chains[ETH].look()
    lab.chains[ETH].reorg(3, requeue=True)
    lab.scheduler.advance_to(90_000)
    lab.chains[ETH].look()
    lab.chains[ETH].observer.flush()
    canonical: dict[int, AnyRecord] = {}
    for record in lab.recorder.records:
        if isinstance(record, Reorg):
            assert max(canonical) == record.ancestor + record.depth
            canonical = {number: line for number, line in canonical.items() if number <= record.ancestor}
        elif isinstance(record, (Block, EmptyBlocks)):
            numbers = range(record.first, record.last + 1) if isinstance(record, EmptyBlocks) else (record.number,)
            for number in numbers:
                assert number == max(canonical, default=0) + 1
                canonical[number] = record
    assert max(canonical) == head(lab, ETH)
    for number, record in canonical.items():
        if isinstance(record, Block):
            assert record.hash == block(lab, ETH, number)["hash"]
            assert record.parent == block(lab, ETH, number - 1)["hash"]
        elif isinstance(record, EmptyBlocks) and record.last == number:
            assert record.last_hash == block(lab, ETH, number)["hash"]
            assert record.last_base_fee == int(block(lab, ETH, number)["baseFeePerGas"], 16)
    with_it = [r for r in lab.recorder.records if isinstance(r, Block) and sent in [tx.hash for tx in r.txs]]
    assert len(with_it) == 2
    assert with_it[1] in canonical.values()


@pytest.mark.parametrize(("depth", "beyond"), [(2, False), (3, True)])
def test_beyond_finality_by_blocks(start_lab: StartLab, depth: int, beyond: bool) -> None:
    """A block with two on top is final: replacing three takes it back."""
    lab = at(start_lab, 100, finality=Finality(blocks=2))
    lab.chains[ETH].reorg(depth, requeue=False)
    assert [record.beyond_finality for record in reorgs(lab)] == [beyond]


@pytest.mark.parametrize(("seconds", "beyond"), [(200, False), (1, True)])
def test_beyond_finality_by_seconds(start_lab: StartLab, seconds: int, beyond: bool) -> None:
    """By the age of the lowest block replaced."""
    lab = at(start_lab, 100, finality=Finality(seconds=seconds))
    lab.chains[ETH].reorg(3, requeue=False)
    assert [record.beyond_finality for record in reorgs(lab)] == [beyond]


@pytest.mark.parametrize("depth", [0, -1, 9, 10_000])
def test_a_reorg_too_deep_changes_nothing(start_lab: StartLab, depth: int) -> None:
    """Set-up stays: block 1 and genesis cannot be replaced. The error says how deep it may go."""
    lab = at(start_lab, 100)
    before = hashes(lab, ETH)
    assert len(before) == 10
    with pytest.raises(LabError, match=rf"expected a reorg depth of 1 to 8 .*got {depth}"):
        lab.chains[ETH].reorg(depth, requeue=False)
    assert hashes(lab, ETH) == before
    assert reorgs(lab) == []
    lab.chains[ETH].reorg(8, requeue=False)
    assert hashes(lab, ETH)[:2] == before[:2]


def test_a_reorg_where_no_empty_blocks_are_mined(start_lab: StartLab) -> None:
    """The head falls back to the ancestor, and the next transaction builds on it."""
    name = "arbitrum"
    lab = at(start_lab, 10, name)
    for number in range(3):
        buffer(lab, name, number + 1)
        lab.scheduler.advance_to(lab.scheduler.now_ms + 2000)
        lab.chains[name].look()
    before = hashes(lab, name)
    assert len(before) == 5
    assert len(lab.chains[name].reorg(2, requeue=False)) == 2
    assert hashes(lab, name) == before[:3]
    buffer(lab, name, 9)
    lab.scheduler.advance_to(30_000)
    after = hashes(lab, name)
    assert after[:3] == before[:3]
    assert len(after) == 4
    assert after[3] != before[3]


def test_a_reorg_keeps_fees_that_depend_on_time(start_lab: StartLab) -> None:
    """Replacements come all at once, and their base fees are those of their slots."""
    arbitrum = load_network("arbitrum")
    assert isinstance(arbitrum.fee, ArbitrumFee)
    slow = arbitrum.fee.model_copy(update={"targets": (BacklogTarget(gas_per_second=20_000, window_s=20),)})
    lab = start_lab(arbitrum.model_copy(update={"fee": slow, "mines_empty_blocks": True}))
    lab.scheduler.advance_to(10_000)
    buffer(lab, "arbitrum", 1, payload_bytes=512)
    lab.scheduler.sleep(5)
    lab.chains["arbitrum"].look()
    before = facts(lab, "arbitrum")
    assert len({fee for _, fee in before[-8:]}) == 8
    lab.chains["arbitrum"].reorg(8, requeue=False)
    assert facts(lab, "arbitrum") == before


def test_a_reorg_takes_the_fee_curve_back(start_lab: StartLab) -> None:
    """What Arbitrum's price remembers of gas in lost blocks is forgotten with them."""
    arbitrum = load_network("arbitrum")
    assert isinstance(arbitrum.fee, ArbitrumFee)
    slow = arbitrum.fee.model_copy(update={"targets": (BacklogTarget(gas_per_second=1000, window_s=300),)})
    fees = []
    for lost in (False, True):
        lab = start_lab(arbitrum.model_copy(update={"fee": slow}))
        for number, t_ms in enumerate((10_000, 20_000, 30_000)):
            lab.scheduler.advance_to(t_ms)
            if t_ms == 20_000 and not lost:
                continue
            buffer(lab, "arbitrum", number + 1, payload_bytes=512)
            lab.scheduler.sleep(1)
            lab.chains["arbitrum"].look()
            if t_ms == 20_000:
                assert len(lab.chains["arbitrum"].reorg(1, requeue=False)) == 1
        fees.append(int(block(lab, "arbitrum", 3)["baseFeePerGas"], 16))
    assert fees[0] == fees[1] > arbitrum.fee.floor_wei


def test_a_frozen_node_makes_no_blocks_up(start_lab: StartLab) -> None:
    """Its slots pass; after the thaw the next block comes in the next slot, with that slot's timestamp."""
    lab = at(start_lab, 50)
    chain = lab.chains[ETH]
    before = hashes(lab, ETH)
    chain.freeze()
    with pytest.raises(RpcTimeout):
        Rpc(HttpTransport(chain.node.url, timeout_s=0.2, connect=chain.node.connect)).block_number()
    with pytest.raises(RpcUnavailable, match="the node of ethereum is paused"):
        chain.look()
    lab.scheduler.advance_to(110_000)
    chain.thaw()
    assert hashes(lab, ETH) == before
    clock = SlotClock(chain.profile, 1, ETH, VIRTUAL_GENESIS)
    assert chain.producer.slots_skipped == clock.next_index_after(110_000) - clock.next_index_after(50_000) > 3
    upcoming = clock.slot(clock.next_index_after(110_000))
    lab.scheduler.advance_to(upcoming.t_ms)
    assert len(hashes(lab, ETH)) == len(before) + 1
    assert int(block(lab, ETH, len(before))["timestamp"], 16) == upcoming.timestamp


def test_transactions_for_a_frozen_node_arrive_at_the_thaw(start_lab: StartLab) -> None:
    """In their order; one that the node refuses is no error of the lab's."""
    lab = at(start_lab, 50)
    chain = lab.chains[ETH]
    raws = [signed(lab, ETH, "operator", "transaction_count", nonce=number) for number in range(2)]
    poor = signed(lab, ETH, "user", "transaction_count", max_fee=1, tip=1)
    chain.freeze()
    for raw, _ in (raws[0], poor, raws[1]):
        chain.queue(raw)
    lab.scheduler.advance_to(80_000)
    chain.thaw()
    lab.scheduler.advance_to(100_000)
    receipts = [chain.look().receipt(tx_hash) for _, tx_hash in (*raws, poor)]
    assert [receipt is not None for receipt in receipts] == [True, True, False]


@pytest.mark.parametrize("name", [ETH, "arbitrum"])
def test_a_killed_node_keeps_its_chain_and_loses_its_pool(start_lab: StartLab, name: str) -> None:
    """Same hashes and state after the restart; what waited in the pool never comes."""
    lab = at(start_lab, 20, name)
    chain = lab.chains[name]
    mined = buffer(lab, name, 1)
    lab.scheduler.advance_to(50_000)
    before = hashes(lab, name)
    waiting = buffer(lab, name, 2)
    chain.crash()
    assert not chain.node.alive()
    with pytest.raises(RpcUnavailable, match=f"the node of {name} is down"):
        chain.look()
    lab.scheduler.advance_to(80_000)
    chain.restart()
    assert hashes(lab, name) == before
    lab.scheduler.advance_to(120_000)
    rpc = chain.look()
    assert rpc.call("eth_getTransactionByHash", waiting) is None
    assert rpc.receipt(mined) is not None
    assert [lab.reader(name).state(tx_id(number)) for number in (1, 2)] == ["BUFFERED", "EMPTY"]
    send(lab, name, "operator", "resolve_dependency", tx_id(1))
    lab.scheduler.advance_to(150_000)
    assert len(hashes(lab, name)) > len(before)


def test_a_node_may_be_killed_twice_and_reorganised_between(start_lab: StartLab) -> None:
    """State, branch and observer follow the node that lives."""
    lab = at(start_lab, 60)
    chain = lab.chains[ETH]
    for end_ms in (90_000, 120_000):
        chain.crash()
        chain.restart()
        lab.scheduler.advance_to(end_ms)
        before = hashes(lab, ETH)
        chain.reorg(1, requeue=False)
        assert hashes(lab, ETH)[-1] != before[-1]
        buffer(lab, ETH, end_ms)
        lab.scheduler.advance_to(end_ms + 15_000)
        chain.look()
        assert lab.reader(ETH).state(tx_id(end_ms)) == "BUFFERED"


def test_a_restarted_node_is_reorganised_behind_its_restart(start_lab: StartLab) -> None:
    """As deep as any other: contracts are still there, with what they had stored by then and nothing of later."""
    lab = at(start_lab, 60)
    chain = lab.chains[ETH]
    early = buffer(lab, ETH, 1)
    lab.scheduler.advance_to(75_000)
    late = buffer(lab, ETH, 2)
    lab.scheduler.advance_to(90_000)
    assert [lab.reader(ETH).state(tx_id(number)) for number in (1, 2)] == ["BUFFERED", "BUFFERED"]
    for _ in range(2):
        chain.crash()
        chain.restart()
        lab.scheduler.advance_to(lab.scheduler.now_ms + 15_000)
        first = chain.look().receipt(late)
        depth = head(lab, ETH) - int(first["blockNumber"], 16) + 1 if first is not None else 3
        chain.reorg(depth, requeue=False)
        assert [lab.reader(ETH).state(tx_id(number)) for number in (1, 2)] == ["BUFFERED", "EMPTY"]
        assert chain.look().receipt(early) is not None
    buffer(lab, ETH, 3)
    lab.scheduler.advance_to(lab.scheduler.now_ms + 15_000)
    chain.look()
    assert lab.reader(ETH).state(tx_id(3)) == "BUFFERED"


def test_a_state_of_several_megabytes_survives_a_restart(start_lab: StartLab) -> None:
    """A fast chain has them after two minutes; anvil refuses requests above 2 MB unless told otherwise."""
    lab = at(start_lab, 120, "base")
    chain, before = lab.chains["base"], hashes(lab, "base")
    chain.crash()
    assert chain._state is not None
    assert len(chain._state) > 2 * 1024 * 1024
    chain.restart()
    assert hashes(lab, "base") == before


@pytest.mark.parametrize(("first", "condition"), [("freeze", "paused"), ("crash", "down")])
@pytest.mark.parametrize("second", ["freeze", "crash"])
def test_a_stopped_node_cannot_be_stopped_again(start_lab: StartLab, first: str, condition: str, second: str) -> None:
    """At once and with what to do, not after a time-out; the chain can still be healed."""
    lab = at(start_lab, 30)
    chain, before = lab.chains[ETH], hashes(lab, ETH)
    getattr(chain, first)()
    with pytest.raises(UsageError, match=f"it is {condition} already"):
        getattr(chain, second)()
    chain.thaw() if first == "freeze" else chain.restart()
    assert hashes(lab, ETH) == before


def test_a_gas_limit_survives_a_restart_and_a_thaw(start_lab: StartLab) -> None:
    """Set before or during the outage, it holds for the blocks after it."""
    lab = at(start_lab, 30)
    chain = lab.chains[ETH]
    chain.producer.set_gas_limit(1_000_000)
    chain.crash()
    chain.producer.set_gas_limit(2_000_000)
    chain.restart()
    lab.scheduler.advance_to(60_000)
    hashes(lab, ETH)
    assert int(block(lab, ETH, head(lab, ETH))["gasLimit"], 16) == 2_000_000
    chain.freeze()
    chain.producer.set_gas_limit(3_000_000)
    chain.thaw()
    lab.scheduler.advance_to(90_000)
    hashes(lab, ETH)
    assert int(block(lab, ETH, head(lab, ETH))["gasLimit"], 16) == 3_000_000


def test_a_node_that_died_unasked(start_lab: StartLab) -> None:
    """Named, with its last log lines."""
    lab = at(start_lab, 30)
    chain = lab.chains[ETH]
    chain.node.kill()
    lab.scheduler.advance_to(60_000)
    with pytest.raises(NodeFailure, match="the node of ethereum died unasked"):
        chain.look()


def test_a_node_that_hangs_at_its_turn_does_not_hold_up_the_others_for_long(
    start_lab: StartLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each turn is bounded, and comes later than the one before; all goes on once the node does."""
    lab = at(start_lab, 24)
    chain, seen, turns = lab.chains[ETH], list[LabError | None](), list[int]()
    chain.on_turn = seen.append
    start = lab.scheduler.now_ms
    monkeypatch.setattr(lab.scheduler, "at", lambda t_ms, turn: turns.append(t_ms - start))
    # Nothing is handed over ahead under the real clock, where chains take turns.
    chain.producer.finish()
    chain.node.pause()
    for _ in range(6):
        chain.keep_time()
    monkeypatch.setattr("lab.chains.chain.TURN_TIMEOUT_S", 60)
    chain.node.resume()
    chain.keep_time()
    assert [str(trouble) for trouble in seen[:6]] == ["net_version: no answer within 1 s"] * 6
    slot = chain.producer.next_slot_ms() - start
    assert turns == [max(slot, at) for at in (500, 1_000, 2_000, 4_000, 8_000, 8_000, 0)]
    assert slot < 8_000
    assert seen[6] is None
