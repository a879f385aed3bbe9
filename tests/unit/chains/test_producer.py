"""The block producer on a real anvil: every block is where and what the network's slots and fee curve say."""

from __future__ import annotations

from typing import Any

import pytest

from lab.networks import load_network
from lab.networks.fees import FeeCurve
from lab.networks.profile import NetworkProfile
from lab.networks.slots import Slot, SlotClock
from lab.session.lab import VIRTUAL_GENESIS, Lab

from ..conftest import StartLab
from ..real_chains import block, buffer, hashes, head

MAINNETS = ("ethereum", "polygon", "arbitrum", "optimism", "base")
SENDS_MS = (15_000, 15_500, 40_000, 71_300)
END_MS = 120_000


def played(lab: Lab, chain: str, *, look_every_ms: int = END_MS) -> None:
    """Four heavy transactions at their times, and looks in between."""
    for t_ms in sorted({*range(0, END_MS + 1, look_every_ms), *SENDS_MS, END_MS}):
        lab.scheduler.advance_to(t_ms)
        if t_ms in SENDS_MS:
            buffer(lab, chain, t_ms, payload_bytes=512, nonce=SENDS_MS.index(t_ms))
        lab.chains[chain].look()


def expected_slots(profile: NetworkProfile, seed: int) -> list[Slot]:
    """Every slot that brings a block: all that are not missed, or those that follow a transaction."""
    clock = SlotClock(profile, seed, profile.name, VIRTUAL_GENESIS)
    if not profile.mines_empty_blocks:
        return [clock.slot(index) for index in dict.fromkeys(clock.next_index_after(t_ms) for t_ms in SENDS_MS)]
    slots, index = [], 0
    while (slot := clock.slot(index)).t_ms <= END_MS:
        slots += [] if slot.missed else [slot]
        index += 1
    return slots


@pytest.mark.parametrize("name", MAINNETS)
def test_every_block_is_what_the_profile_says(start_lab: StartLab, name: str) -> None:
    """Count, timestamps, base fees and gas limits, computed here from slots and curve, and nothing in between."""
    profile, lab = load_network(name), start_lab(name, seed=3)
    played(lab, name)
    slots, curve = expected_slots(profile, 3), FeeCurve(profile)
    curve.next(profile.initial_base_fee_wei, 0, profile.gas_limit, 0)
    assert head(lab, name) == 1 + len(slots)
    parent: dict[str, Any] = block(lab, name, 1)
    assert int(parent["timestamp"], 16) == VIRTUAL_GENESIS
    before_ms = 0
    for number, slot in enumerate(slots, start=2):
        found = block(lab, name, number)
        fee = curve.next(
            int(parent["baseFeePerGas"], 16), int(parent["gasUsed"], 16), profile.gas_limit, slot.t_ms - before_ms
        )
        facts = tuple(int(found[key], 16) for key in ("timestamp", "baseFeePerGas", "gasLimit"))
        assert facts == (slot.timestamp, fee, profile.gas_limit), f"block {number}"
        parent, before_ms = found, slot.t_ms
    with_txs = [n for n in range(2, head(lab, name) + 1) if block(lab, name, n)["transactions"]]
    assert sum(len(block(lab, name, n)["transactions"]) for n in with_txs) == len(SENDS_MS)
    if name == "arbitrum":
        assert with_txs == list(range(2, head(lab, name) + 1))


@pytest.mark.parametrize("name", ["ethereum", "arbitrum", "base"])
def test_lazy_and_eager_make_the_same_chain(start_lab: StartLab, name: str) -> None:
    """Looked at every second, every 100 ms, or only when it must be: the same hashes."""
    chains = []
    for look_every_ms in (END_MS, 1000, 100):
        lab = start_lab(name)
        played(lab, name, look_every_ms=look_every_ms)
        chains.append(hashes(lab, name))
    assert chains[0] == chains[1] == chains[2]
    assert len(chains[0]) > 5


@pytest.mark.parametrize("name", ["ethereum", "arbitrum", "base"])
def test_blocks_begun_ahead_are_the_same(start_lab: StartLab, name: str) -> None:
    """However often the node is let begin with them, with or without somebody who looks then; a freeze loses none."""
    plain, ahead = start_lab(name), start_lab(name)
    played(plain, name)
    chain = ahead.chains[name]
    for t_ms in sorted({*range(0, END_MS, 700), *SENDS_MS, END_MS}):
        ahead.scheduler.advance_to(t_ms)
        chain.begin()
        if t_ms in SENDS_MS:
            buffer(ahead, name, t_ms, payload_bytes=512, nonce=SENDS_MS.index(t_ms))
        if t_ms % 2100 == 0:
            chain.look()
        if t_ms % 3500 == 0:
            chain.freeze()
            chain.thaw()
    assert hashes(ahead, name) == hashes(plain, name)


def test_another_seed_makes_another_chain(start_lab: StartLab) -> None:
    """Slots are drawn from the seed."""
    one, two = (start_lab("ethereum", seed=seed) for seed in (1, 2))
    for lab in (one, two):
        lab.scheduler.advance_to(60_000)
    assert hashes(one, "ethereum")[2:] != hashes(two, "ethereum")[2:]


def test_missed_slots_bring_no_block(start_lab: StartLab) -> None:
    """Time passes, the number does not rise, and the base fee moves once a block."""
    profile = load_network("optimism").model_copy(update={"missed_slot_share": 0.4})
    lab = start_lab(profile)
    lab.scheduler.advance_to(END_MS)
    slots = expected_slots(profile, 1)
    assert 20 < len(slots) < 50
    assert len(hashes(lab, "optimism")) == 2 + len(slots)


def test_the_pending_block_shows_the_next_slot(start_lab: StartLab) -> None:
    """Contracts read the time that they will get, not the wall's."""
    lab = start_lab("ethereum")
    lab.scheduler.advance_to(30_000)
    chain = lab.chains["ethereum"]
    pending = chain.look().block("pending")
    assert pending is not None
    clock = SlotClock(chain.profile, 1, "ethereum", VIRTUAL_GENESIS)
    upcoming = clock.slot(clock.next_index_after(30_000))
    assert int(pending["timestamp"], 16) == upcoming.timestamp
    assert int(pending["baseFeePerGas"], 16) == chain.producer.next_base_fee()
    assert chain.producer.next_slot_ms() == upcoming.t_ms


def test_a_transaction_comes_in_the_block_of_the_next_slot(start_lab: StartLab) -> None:
    """Not earlier: a slot that was due when it was sent was mined before it."""
    lab = start_lab("base")
    lab.scheduler.advance_to(10_000)
    sent = buffer(lab, "base", 1)
    before = head(lab, "base")
    assert lab.chains["base"].look().receipt(sent) is None
    lab.scheduler.advance_to(lab.chains["base"].producer.next_slot_ms())
    receipt = lab.chains["base"].look().receipt(sent)
    assert receipt is not None
    assert int(receipt["blockNumber"], 16) == before + 1
