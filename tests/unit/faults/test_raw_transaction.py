"""What is read out of a raw transaction, against eth-account."""

from __future__ import annotations

import random

import pytest
from eth_account import Account as EthAccount

from lab.coordinator import role_account
from lab.faults.transport.raw_transaction import LAYOUTS, decode_raw

from .typed import BLOB, GWEI, TYPES, raw_of

TO = "0x" + "11" * 20


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("length", [0, 1, 56, 300])
def test_every_type(kind: str, length: int) -> None:
    """The sender is the one whom eth-account recovers."""
    raw = raw_of(kind, chain_id=42161, to=TO, data="0x" + "ab" * length, nonce=length)
    sent = decode_raw(raw)
    assert sent is not None
    assert sent.sender == EthAccount.recover_transaction(raw).lower() == role_account("relayer").address.lower()
    assert (sent.nonce, sent.to, sent.data) == (length, TO, "0x" + "ab" * length)
    assert (sent.max_fee_per_gas, sent.max_priority_fee_per_gas) == (100 * GWEI, 100 * GWEI)


def test_blobs_travel_beside_their_transaction() -> None:
    """They count for neither its hash nor its sender."""
    raw = raw_of(BLOB, chain_id=1, to=TO, data="0xab", nonce=5)
    sent = decode_raw(raw)
    assert sent is not None
    assert len(raw) > 2 * 131_072
    assert (sent.sender, sent.nonce, sent.to) == (role_account("relayer").address.lower(), 5, TO)


def test_a_creation_has_no_receiver() -> None:
    raw = raw_of("dynamic fee", chain_id=1, to="0x", data="0x60")
    sent = decode_raw(raw)
    assert sent is not None
    assert sent.to == "0x"


@pytest.mark.parametrize("kind", TYPES)
def test_damage_raises_nothing(kind: str) -> None:
    """Any byte may be another one, and the end may be missing: it is read, or it is None."""
    rng = random.Random(kind)
    sound = bytes.fromhex(raw_of(kind, chain_id=1, to=TO, nonce=3)[2:])
    read = 0
    for _ in range(300):
        damaged = bytearray(sound)
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        read += decode_raw("0x" + damaged[: rng.choice([len(damaged), rng.randrange(len(damaged))])].hex()) is not None
    assert 0 < read < 300


@pytest.mark.parametrize("raw", [None, 7, "", "0x", "0x0", "0xzz", "0x00c0", "0x02", "0x03c0", "0x05c0", "0xc0", "é"])
def test_what_is_none(raw: object) -> None:
    assert decode_raw(raw) is None


def test_a_signature_is_the_last_of_every_layout() -> None:
    assert {tuple(layout[-3:]) for layout in LAYOUTS.values()} == {("v", "r", "s")}
