"""Hashes of Safe transactions against safe-eth-py itself, with other seeds than the recorded ones."""

from __future__ import annotations

import pytest

from tests.safe_vectors import random_transactions, theirs

from .mutants import FACTOR

pytestmark = pytest.mark.reliability


def test_hashes_are_those_of_safe_eth_py() -> None:
    """A hundred of one seed in the usual run, a thousand for each of more in a long one."""
    count = 100 if FACTOR <= 1 else 1000
    for seed in range(1, 1 + min(20, max(1, int(FACTOR)))):
        ours = [given.hashes(chain_id, safe).safe_tx for chain_id, safe, given in random_transactions(seed, count)]
        assert ours == theirs(seed, count), f"seed {seed}"
