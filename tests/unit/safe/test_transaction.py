"""The hash that owners sign: that of safe-eth-py, whatever the transaction."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from lab.safe.transaction import SafeTransaction
from tests.safe_vectors import VECTORS, random_transactions

SAFE = "0x" + "cd" * 20


def test_a_thousand_random_transactions_hash_as_in_safe_eth_py() -> None:
    """By the hashes that `python -m tests.safe_vectors` recorded."""
    recorded = json.loads(VECTORS.read_text())
    assert len(recorded["hashes"]) == 1000
    drawn = random_transactions(recorded["seed"], 1000)
    assert [given.hashes(chain_id, safe).safe_tx for chain_id, safe, given in drawn] == recorded["hashes"]


def test_it_is_written_and_read_again() -> None:
    """Large numbers as text, addresses with their checksum."""
    given = SafeTransaction(to="0x" + "ab" * 20, value=2**255, data="0xAB", nonce=2**64)
    text = given.model_dump_json()
    assert f'"value":"{2**255}"' in text
    assert "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB" in text
    assert SafeTransaction.model_validate_json(text) == given


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "0xABaBaBaBABabABabAbAbABAbABabababaBaBABab"},
        {"to": "0x12"},
        {"to": "0x" + "zz" * 20},
        {"value": -1},
        {"value": 2**256},
        {"value": "1e3"},
        {"data": "0x1"},
        {"data": "12"},
        {"operation": 2},
        {"nonce": None},
        {"unknown": 1},
    ],
)
def test_what_is_no_transaction(wrong: dict[str, object]) -> None:
    """Refused where it is read."""
    with pytest.raises(ValidationError):
        SafeTransaction.model_validate({"to": SAFE, "nonce": 0, **wrong})
