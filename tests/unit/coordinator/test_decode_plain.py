"""Encoding and decoding without eth_abi say what eth_abi says, or nothing."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from lab.coordinator.values import decode_plain, encode_plain, plain, widened, wire

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


LISTS = {f"{abi_type}[]": st.lists(VALUES[abi_type], max_size=3) for abi_type in ("uint64", "string", STRUCT)}
ENCODED = VALUES | LISTS


@given(st.data(), st.lists(st.sampled_from(sorted(ENCODED)), max_size=4), st.booleans())
def test_what_is_encoded(data: st.DataObject, types: list[str], any_width: bool) -> None:
    """The same bytes; texts beyond ASCII and signed integers are left to eth_abi."""
    values = [plain(data.draw(ENCODED[abi_type])) for abi_type in types]
    encoded = encode_plain(types, values, any_width=any_width)
    if not any("string" in abi_type or "int64" in abi_type.replace("uint64", "") for abi_type in types):
        assert encoded is not None
    assert encoded is None or encoded == encode(types, [wire(*pair) for pair in zip(types, values, strict=True)])


ODD: list[Any] = [-1, 2**256, 2**64, True, 1, 1.0, None, "", "0x", "0x1", "0xAB", "0x" + "Ab" * 20, "0x" + "ab" * 33]


@given(st.sampled_from(sorted(ENCODED)), st.sampled_from([*ODD, [], [1], ["0x"], ODD]), st.booleans())
def test_what_is_no_value(abi_type: str, value: Any, any_width: bool) -> None:
    """Whatever eth_abi refuses is not encoded; a number of any width takes the word that it needs."""
    encoded = encode_plain([abi_type], [value], any_width=any_width)
    if encoded is not None:
        wired = [wire(abi_type, value)]
        assert encoded == encode(widened([abi_type], wired) if any_width else [abi_type], wired)


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
