"""Slots: the same for the same seed, in order, on time, missed as often as the profile says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.networks import BUILT_IN, load_network
from lab.networks.slots import SlotClock

GENESIS = 1_800_000_000
PINNED_ETHEREUM = [(10_120, GENESIS + 8), (22_014, GENESIS + 20), (35_503, GENESIS + 32)]
PINNED_BASE = [(203, GENESIS), (400, GENESIS), (601, GENESIS), (1000, GENESIS), (1199, GENESIS + 1)]
NAMES = st.sampled_from(BUILT_IN)
SEEDS = st.integers(0, 2**64)
INDEXES = st.integers(0, 10**6)


def clock(name: str, seed: int = 7, chain: str = "") -> SlotClock:
    return SlotClock(load_network(name), seed, chain or name, GENESIS)


@given(name=NAMES, seed=SEEDS, index=INDEXES)
def test_slots_are_in_order_and_on_time(name: str, seed: int, index: int) -> None:
    """Strictly later than the slot before, at most the jitter late, with a timestamp that fits and never falls."""
    profile = load_network(name)
    slots = clock(name, seed)
    one, two = slots.slot(index), slots.slot(index + 1)
    start = slots.phase_ms + index * profile.block_time_ms
    assert 0 < slots.phase_ms < profile.block_time_ms
    assert start <= one.t_ms <= start + profile.jitter_ms
    assert one.t_ms < two.t_ms
    assert one.timestamp == GENESIS + start // 1000
    assert one.timestamp <= two.timestamp
    if profile.block_time_ms > 1000:
        assert slots.slot(0).timestamp > GENESIS
        assert one.timestamp < two.timestamp


@given(name=NAMES, seed=SEEDS, t_ms=st.integers(0, 10**7))
def test_the_next_slot_is_the_first_one_later(name: str, seed: int, t_ms: int) -> None:
    """The slot found appears after the time, the one before it did not; also exactly at an appearance."""
    slots = clock(name, seed)
    for moment in (t_ms, slots.slot(t_ms // 10_000).t_ms, slots.slot(t_ms // 10_000).t_ms - 1):
        index = slots.next_index_after(moment)
        assert slots.slot(index).t_ms > moment
        assert index == 0 or slots.slot(index - 1).t_ms <= moment


@given(name=NAMES, seed=SEEDS, indexes=st.lists(INDEXES, min_size=1, max_size=20))
def test_a_slot_does_not_depend_on_what_was_asked_before(name: str, seed: int, indexes: list[int]) -> None:
    """Any order of questions, on one clock or another, gives the same slots."""
    slots = clock(name, seed)
    asked = {index: slots.slot(index) for index in indexes}
    for index in sorted(indexes, reverse=True):
        assert clock(name, seed).slot(index) == asked[index]


def test_the_very_slots_are_pinned() -> None:
    """These values are part of every recorded run's digest: a change here makes old runs unrepeatable."""
    ethereum, base = clock("ethereum", 7), clock("base", 7)
    assert [(slot.t_ms, slot.timestamp) for slot in map(ethereum.slot, range(3))] == PINNED_ETHEREUM
    assert [(slot.t_ms, slot.timestamp) for slot in map(base.slot, (0, 1, 2, 4, 5))] == PINNED_BASE


def test_seed_and_chain_name_both_matter() -> None:
    """Two seeds, or two chains of one network, differ in phase and jitter."""
    seen = {
        tuple(slots.slot(index).t_ms for index in range(5))
        for slots in (clock("ethereum", 1), clock("ethereum", 2), clock("ethereum", 1, "two"))
    }
    assert len(seen) == 3


def test_five_blocks_of_base_share_a_timestamp() -> None:
    """Every whole second holds exactly five of them."""
    slots = clock("base")
    stamps = [slots.slot(index).timestamp for index in range(5000)]
    counts = {stamps.count(stamp) for stamp in sorted(set(stamps))[1:-1]}
    assert counts == {5}


def test_missed_slots_are_as_frequent_as_the_profile_says() -> None:
    """0.3 percent on Ethereum (within four standard deviations), none on a sequencer's chain."""
    slots = clock("ethereum")
    missed = sum(slots.slot(index).missed for index in range(100_000))
    assert abs(missed - 300) < 4 * 300**0.5
    assert not any(clock("base").slot(index).missed for index in range(10_000))


def test_jitter_fills_its_whole_range_evenly() -> None:
    """The median delay of Ethereum's blocks is the published 1.9 to 2.0 s, up to the maximum of 3.9 s."""
    slots = clock("ethereum")
    delays = sorted(slots.slot(index).t_ms - slots.phase_ms - index * 12_000 for index in range(20_000))
    assert 1_850 < delays[10_000] < 2_050
    assert delays[0] < 10
    assert 3_890 < delays[-1] <= 3_900


def test_no_slot_before_the_first() -> None:
    """A negative index is a mistake of the caller's."""
    with pytest.raises(ValueError, match="got -1"):
        clock("base").slot(-1)
    assert clock("base").next_index_after(0) == 0
