"""Intents under way: what is known of their jobs without looking at each."""

from __future__ import annotations

from dataclasses import replace

from lab.coordinator import Fees
from lab.relayer.memory.intents import Intent, OpenIntents, Version

VERSION = Version("0xaa", "0x02", Fees(1, 1), False, False, 4, 9000)
ONE = Intent(1, "one", "resolve", "0x01", 5, "0xda", 21000, "open", None, (VERSION,))


def test_a_job_is_under_way_until_its_last_intent_is_gone() -> None:
    """Another version of an intent is no second one."""
    found = OpenIntents()
    assert not found.has(ONE.job)
    found[1] = ONE
    found[1] = replace(ONE, versions=(VERSION, VERSION))
    found[2] = replace(ONE, id=2, nonce=7)
    del found[1]
    assert found.has(ONE.job)
    assert list(found) == [2]
    del found[2]
    assert not found.has(ONE.job)


def test_the_lower_nonce_keeps_a_job() -> None:
    """Of two for one job; others do not matter."""
    found, later = OpenIntents(), replace(ONE, id=2, nonce=7)
    found[1], found[3] = ONE, replace(ONE, id=3, nonce=6, tx_id="0x02")
    assert not found.doubled(ONE)
    assert not found.newest(ONE)
    found[2] = later
    assert found.doubled(later)
    assert not found.doubled(ONE)
    assert found.newest(later)
