"""A state's number, whatever a contract holds it in."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from lab.coordinator.values import state_number


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (3, 3),
        ("0x02", 2),
        ("0x", 0),
        ("", 0),
        ("new", 0x6E6577),
        ("keccak256(NEW)", int.from_bytes(keccak(text="NEW"))),
    ],
)
def test_numbers_bytes_and_texts(given: object, number: int) -> None:
    """Nothing at all is 0, as unset storage is."""
    assert state_number(given) == number
