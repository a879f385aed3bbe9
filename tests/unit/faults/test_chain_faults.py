"""Faults of chains and pools on real nodes: slots, clocks, vanishing and competing transactions, slow starts."""

from __future__ import annotations

from typing import Any

import pytest

from lab.errors import UsageError
from lab.faults import FAULTS, ActiveFault
from lab.rpc import RpcRefused, RpcUnavailable
from lab.session.lab import Lab

from ..conftest import StartLab
from ..real_chains import block, buffer, hashes, head
from .test_faults import spec, started
from .test_gate import acted, buffering, gate_of, mined

ETH = "ethereum"


@pytest.fixture
def lab(start_lab: StartLab) -> Lab:
    """An Ethereum half a minute after genesis."""
    lab = start_lab(ETH)
    lab.scheduler.advance_to(30_000)
    lab.chains[ETH].look()
    return lab


def on(lab: Lab, chain: str, kind: str, **parameters: Any) -> ActiveFault:
    """A fault of another chain than Ethereum, injected."""
    fault = FAULTS[kind].activate(lab.fault_context, "f", spec(kind, **parameters | {"chain": chain}))
    fault.inject()
    return fault


def timestamps(lab: Lab, chain: str, first: int) -> list[int]:
    """Of all blocks from a number on, seconds since genesis."""
    lab.chains[chain].look()
    numbers = range(first, head(lab, chain) + 1)
    return [int(block(lab, chain, number)["timestamp"], 16) - lab.genesis_time for number in numbers]


def test_halt(lab: Lab) -> None:
    """No block comes, everything answers, and what was sent waits until it goes on."""
    chain = lab.chains[ETH]
    fault = started(lab, "halt")
    before = hashes(lab, ETH)
    raw, tx_hash = buffering(lab)
    lab.scheduler.advance_to(100_000)
    assert acted(lab, lambda: gate_of(lab).call("eth_sendRawTransaction", [raw]))[0] == tx_hash
    lab.scheduler.advance_to(150_000)
    assert hashes(lab, ETH) == before
    assert fault.activations == 10
    assert fault.proof == "10 slots passed without a block"
    fault.heal()
    fault.heal()
    lab.scheduler.advance_to(chain.producer.next_slot_ms())
    assert len(hashes(lab, ETH)) == len(before) + 1
    assert tx_hash in chain.observer.observed
    assert timestamps(lab, ETH, head(lab, ETH))[0] >= 140
    assert fault.activations == 10


def test_halt_of_a_chain_without_empty_blocks(start_lab: StartLab) -> None:
    """Its slots count while something waits, and only then: nothing would have come otherwise."""
    lab = start_lab("arbitrum")
    fault = on(lab, "arbitrum", "halt")
    lab.scheduler.advance_to(10_000)
    lab.chains["arbitrum"].look()
    assert fault.activations == 0
    buffer(lab, "arbitrum", 1)
    lab.scheduler.advance_to(12_000)
    lab.chains["arbitrum"].look()
    assert fault.activations == 8
    fault.heal()
    lab.scheduler.advance_to(12_500)
    lab.chains["arbitrum"].look()
    assert len(lab.chains["arbitrum"].observer.observed) > 5


def test_missed_slots_do_not_depend_on_who_looks(start_lab: StartLab) -> None:
    """About the share of them, the same ones whether somebody looks all the time or at the end."""
    found = []
    for looks in (1, 40):
        lab = start_lab("polygon")
        fault = on(lab, "polygon", "missed_slots", share=0.4)
        for number in range(looks):
            lab.scheduler.advance_to(200_000 * (number + 1) // looks)
            lab.chains["polygon"].look()
        fault.heal()
        found.append((hashes(lab, "polygon"), fault.activations, fault.proof))
    assert found[0] == found[1]
    _, activations, proof = found[0]
    assert 28 <= activations <= 64
    assert proof == f"{activations} of 114 slots passed without a block"


@pytest.mark.parametrize("seconds", [20, -15])
def test_timestamp_skew(start_lab: StartLab, seconds: int) -> None:
    """Ahead it jumps; behind it all but stands, second by second, until it may go on; healed it is right again."""
    found = []
    for skewed in (False, True):
        lab = start_lab(ETH)
        lab.scheduler.advance_to(30_000)
        first = len(hashes(lab, ETH))
        if skewed:
            fault = started(lab, "timestamp_skew", seconds=seconds)
        lab.scheduler.advance_to(120_000)
        healed = len(hashes(lab, ETH)) - first
        if skewed:
            fault.heal()
            fault.heal()
        lab.scheduler.advance_to(220_000)
        found.append(timestamps(lab, ETH, first))
    usual, wanted = found[0], list[int]()
    for number, timestamp in enumerate(usual):
        parent = wanted[-1] if wanted else usual[0] - 12
        wanted.append(max(timestamp + (seconds if number < healed else 0), parent + 1))
    assert found[1] == wanted
    assert wanted[-1] == usual[-1]
    assert fault.activations == healed >= 6


def test_a_skewed_clock_shows_in_the_pending_block(lab: Lab) -> None:
    """Who estimates against it sees the time that the next block will have."""
    chain = lab.chains[ETH]
    right, skewed = chain.look().block("pending"), started(lab, "timestamp_skew", seconds=100)
    wrong = chain.look().block("pending")
    skewed.heal()
    assert right is not None
    assert wrong is not None
    assert int(wrong["timestamp"], 16) - int(right["timestamp"], 16) == 100
    assert chain.look().block("pending")["timestamp"] == right["timestamp"]  # type: ignore[index]


def test_blocks_of_a_reorg_keep_their_times_under_a_skewed_clock(lab: Lab) -> None:
    """They were made at that time, by that clock."""
    first = head(lab, ETH) + 1
    started(lab, "timestamp_skew", seconds=20)
    lab.scheduler.advance_to(90_000)
    before = timestamps(lab, ETH, first)
    lab.chains[ETH].reorg(2, requeue=False)
    assert timestamps(lab, ETH, first) == before


def test_equal_timestamps(start_lab: StartLab) -> None:
    """So many blocks, then time goes on where it is."""
    lab = start_lab("base")
    lab.scheduler.advance_to(4_000)
    lab.chains["base"].look()
    first = head(lab, "base")
    fault = on(lab, "base", "equal_timestamps", blocks=12)
    lab.scheduler.advance_to(9_000)
    found = timestamps(lab, "base", first)
    assert found[:13] == [found[0]] * 13
    assert found[13] > found[0] + 1
    assert fault.activations == 12
    fault.heal()
    fault.heal()


@pytest.mark.parametrize("network", ["ethereum", "arbitrum"])
def test_equal_timestamps_where_they_cannot_be(start_lab: StartLab, network: str) -> None:
    """A chain with a second or more between blocks, and one whose last block may be of long ago."""
    lab = start_lab(network)
    with pytest.raises(UsageError, match="several blocks a second"):
        on(lab, network, "equal_timestamps", blocks=3)


def test_pool_drop(lab: Lab) -> None:
    """All that waits is gone, ones with a gap before them too; the nonce is free at any price again."""
    chain = lab.chains[ETH]
    buffer(lab, ETH, 1, nonce=0)
    buffer(lab, ETH, 2, nonce=5)
    fault = started(lab, "pool_drop")
    assert (fault.activations, fault.proof) == (2, "2 transactions vanished from the pool")
    lab.scheduler.advance_to(60_000)
    chain.look()
    assert chain.look().nonce("0x70997970c51812dc3a010c7d01b50e0d17dc79c8", "pending") == 0
    raw, tx_hash = buffering(lab, 3, nonce=0)
    gate_of(lab).call("eth_sendRawTransaction", [raw])
    assert mined(lab, tx_hash)
    assert fault.activations == 2


def test_pool_drop_again_and_again(lab: Lab) -> None:
    """Until it is healed."""
    chain = lab.chains[ETH]
    fault = started(lab, "pool_drop", every="2s")
    for number in range(3):
        buffer(lab, ETH, number + 1, nonce=0)
        lab.scheduler.sleep(2.1)
    assert fault.activations == 3
    fault.heal()
    tx_hash = buffer(lab, ETH, 9, nonce=0)
    assert mined(lab, tx_hash)
    assert fault.activations == 3
    assert chain.condition == "up"


def test_competing_load(lab: Lab) -> None:
    """Blocks are full of it and leave transactions waiting; a better tip gets past, a usual one does not."""
    chain = lab.chains[ETH]
    room = chain.profile.gas_limit // 2_000_000
    fault = started(lab, "competing_load", tps=5, gas=2_000_000)
    lab.scheduler.advance_to(chain.producer.next_slot_ms())
    hashes(lab, ETH)
    poor = buffer(lab, ETH, 1, nonce=0, tip=10**6)
    lab.scheduler.advance_to(90_000)
    hashes(lab, ETH)
    full = [number for number in range(1, head(lab, ETH) + 1) if len(block(lab, ETH, number)["transactions"]) == room]
    assert len(full) >= 3
    assert fault.activations >= room * len(full)
    assert poor not in chain.observer.observed
    assert f"{fault.activations} transactions mined of somebody else's" in fault.proof
    fault.heal()
    fault.heal()
    lab.scheduler.advance_to(160_000)
    hashes(lab, ETH)
    assert poor in chain.observer.observed
    assert len(block(lab, ETH, head(lab, ETH))["transactions"]) == 0


def test_competing_load_on_a_chain_without_empty_blocks(start_lab: StartLab) -> None:
    """It makes the blocks come."""
    lab = start_lab("arbitrum")
    fault = on(lab, "arbitrum", "competing_load", tps=10, gas=100_000)
    lab.scheduler.advance_to(5_000)
    lab.chains["arbitrum"].look()
    assert 45 <= fault.activations <= 50
    fault.heal()
    now = len(hashes(lab, "arbitrum"))
    lab.scheduler.advance_to(10_000)
    assert len(hashes(lab, "arbitrum")) - now <= 1


def test_slow_start(lab: Lab) -> None:
    """First nobody is there, then somebody who is not ready and mines, then all is well."""
    gate = gate_of(lab)
    fault = started(lab, "slow_start", restart_after="10s", refuses="30s")
    assert isinstance(acted(lab, lambda: gate.call("eth_blockNumber", []))[0], RpcUnavailable)
    lab.scheduler.advance_to(41_000)
    assert lab.chains[ETH].condition == "up"
    before = head(lab, ETH)
    lab.scheduler.advance_to(69_900)
    assert isinstance(acted(lab, lambda: gate.call("eth_blockNumber", []))[0], RpcRefused)
    lab.chains[ETH].look()
    assert head(lab, ETH) > before
    lab.scheduler.advance_to(70_500)
    assert isinstance(acted(lab, lambda: gate.call("eth_blockNumber", []))[0], str)
    assert fault.activations >= 2
    assert fault.proof.endswith("1 requests were refused; 1 more while it was starting")
    fault.heal()


def test_state_lost(lab: Lab) -> None:
    """First nobody is there, then somebody with the first blocks only, whose head climbs until it has them all."""
    gate = gate_of(lab)
    lab.chains[ETH].look()
    fault = started(lab, "state_lost", restart_after="10s", resync="40s")
    assert isinstance(acted(lab, lambda: gate.call("eth_blockNumber", []))[0], RpcUnavailable)
    lab.scheduler.advance_to(40_500)
    whole = lab.chains[ETH].look().block("latest")
    assert whole is not None
    assert int(whole["number"], 16) > 0
    heads = []
    for at_ms in (41_000, 50_000, 60_000, 75_000):
        lab.scheduler.advance_to(at_ms)
        heads.append(int(str(acted(lab, lambda: gate.call("eth_blockNumber", []))[0]), 16))
    assert heads == sorted(heads)
    assert heads[0] == 0
    assert 0 < heads[2] < head(lab, ETH)
    syncing = acted(lab, lambda: gate.call("eth_syncing", []))[0]
    assert isinstance(syncing, dict)
    assert int(syncing["highestBlock"], 16) == head(lab, ETH)
    assert isinstance(acted(lab, lambda: gate.call("eth_sendRawTransaction", ["0x02"]))[0], RpcRefused)
    lab.scheduler.advance_to(82_000)
    assert acted(lab, lambda: gate.call("eth_syncing", []))[0] is False
    assert acted(lab, lambda: gate.call("eth_blockNumber", []))[0] == hex(head(lab, ETH))
    assert fault.activations >= 6
    assert fault.proof.endswith("6 more met a node that was syncing")


def test_state_lost_healed_early(lab: Lab) -> None:
    """It has the whole chain at once, whatever was planned, and is not counted on again."""
    fault = started(lab, "state_lost", restart_after="10s", resync="40s")
    lab.scheduler.advance_to(45_000)
    fault.heal()
    assert acted(lab, lambda: gate_of(lab).call("eth_blockNumber", []))[0] == hex(head(lab, ETH))
    lab.scheduler.advance_to(90_000)
    assert acted(lab, lambda: gate_of(lab).call("eth_syncing", []))[0] is False


def test_slow_start_healed_early(lab: Lab) -> None:
    """Up and ready at once, whatever was planned."""
    fault = started(lab, "slow_start", restart_after="10s", refuses="30s")
    lab.scheduler.advance_to(32_000)
    fault.heal()
    lab.scheduler.advance_to(45_000)
    assert isinstance(acted(lab, lambda: gate_of(lab).call("eth_blockNumber", []))[0], str)
