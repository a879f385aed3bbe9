"""What stands on every network stands on the local one: the very code."""

from __future__ import annotations

import pytest
from eth_utils.address import is_checksum_address
from eth_utils.crypto import keccak

from lab.networks.preinstalls import Preinstall, preinstalls


@pytest.mark.parametrize("one", preinstalls(), ids=lambda one: one.name)
def test_the_code_is_that_of_the_networks(one: Preinstall) -> None:
    """By its hash, which whoever counts on it compares."""
    assert is_checksum_address(one.address)
    assert f"0x{keccak(hexstr=one.code).hex()}" == one.code_hash
