"""The accounts that load is sent from: many, derived from a public phrase, so never to hold value on a live network."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from lab.coordinator import Account
from lab.secp256k1 import address_of

PHRASE = "tesseract-lab load operator"


@lru_cache(maxsize=4096)
def load_account(index: int) -> Account:
    """The account of sender `index`, the same in every run. Raises ValueError for a negative index."""
    if index < 0:
        raise ValueError(f"expected a sender number of 0 or more, got {index}")
    key = hashlib.sha256(f"{PHRASE} {index}".encode()).digest()
    return Account(f"load{index}", address_of(key), key)
