"""Decoding without eth_abi says what eth_abi says, or nothing."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from lab.coordinator.values import decode_plain, plain

STRUCT = "(address,address,bytes,bytes32,uint256,uint256)"
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "address": st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
    "uint256": st.integers(0, 2**256 - 1),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=80),
    "string": st.text(max_size=40) | st.sampled_from(["0xAB", "0x", "0xA "]),
    "bool": st.booleans(),
    "uint8": st.integers(0, 2**8 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "bytes32[]": st.lists(st.binary(min_size=32, max_size=32), max_size=3),
}
STRUCT_OF_TWO = "(string,uint8,bytes)"
for struct in (STRUCT, STRUCT_OF_TWO):
    VALUES[struct] = st.tuples(*(VALUES[part] for part in struct[1:-1].split(",")))
TYPES = st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4)


@given(st.data(), TYPES)
def test_what_encoders_write(data: st.DataObject, types: list[str]) -> None:
    """The same values; arrays and signed integers are left to eth_abi."""
    values = [data.draw(VALUES[abi_type]) for abi_type in types]
    decoded = decode_plain(types, encode(types, values))
    if set(types).isdisjoint({"int64", "bytes32[]"}):
        assert decoded is not None
    assert decoded is None or decoded == [plain(value) for value in decode(types, encode(types, values))]


@given(st.data(), TYPES, st.binary(min_size=1, max_size=3), st.integers(0, 400))
def test_damaged_data(data: st.DataObject, types: list[str], damage: bytes, place: int) -> None:
    """Whatever eth_abi refuses is not decoded, and what it takes is decoded to the same."""
    raw = encode(types, [data.draw(VALUES[abi_type]) for abi_type in types])
    damaged = raw[:place] + damage + raw[place + len(damage) :]
    for spoilt in (damaged, raw[:place]):
        decoded = decode_plain(types, spoilt)
        if decoded is not None:
            assert decoded == [plain(value) for value in decode(types, spoilt)]


def test_an_address_with_more_than_twenty_bytes_is_no_address() -> None:
    """It is left to eth_abi, which refuses it."""
    raw = b"\x01" * 32
    assert decode_plain(["address"], raw) is None
    try:
        decode(["address"], raw)
    except DecodingError:
        return
    raise AssertionError("eth_abi took it")
