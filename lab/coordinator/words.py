"""Values of elementary types from ABI data, where it is laid out as encoders lay it out; eth_abi judges the rest.

A relayer decodes some ten values for each transaction, and eth_abi takes the longest of all that it does for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from lab.coordinator.values import tuple_parts

WORD = 32


class _Unusual(Exception):
    """Another type, or another layout: nothing is said of whether it is right."""


def decode_plain(types: Sequence[str], raw: bytes) -> list[Any] | None:
    """The values as `plain` gives them; None where only eth_abi can tell, as for arrays."""
    try:
        return _values(types, raw, 0)
    except _Unusual:
        return None


def _values(types: Sequence[str], raw: bytes, base: int) -> list[Any]:
    values: list[Any] = []
    tail = WORD * len(types)
    for place, abi_type in enumerate(types):
        word = raw[base + WORD * place : base + WORD * (place + 1)]
        if len(word) < WORD:
            raise _Unusual
        if abi_type != "bytes" and not (abi_type.startswith("(") and abi_type.endswith(")")):
            values.append(_word(abi_type, word))
            continue
        # What has no fixed length stands behind all the words, in order and without a gap.
        if int.from_bytes(word) != tail:
            raise _Unusual
        if abi_type == "bytes":
            value, used = _bytes(raw, base + tail)
            values.append(value)
        else:
            parts = _parts(abi_type)
            if parts.count("bytes") != 1:
                raise _Unusual  # of words alone, it has no place of its own; of more, its end would have to be known
            values.append(_values(parts, raw, base + tail))
            used = len(raw)
        tail += used
    return values


@lru_cache(maxsize=256)
def _parts(abi_type: str) -> tuple[str, ...]:
    return tuple(tuple_parts(abi_type))


def _bytes(raw: bytes, start: int) -> tuple[str, int]:
    """The value, and how much it takes."""
    length = int.from_bytes(raw[start : start + WORD])
    padded = -(-length // WORD) * WORD
    if len(raw) < start + WORD + padded or any(raw[start + WORD + length : start + WORD + padded]):
        raise _Unusual
    return "0x" + raw[start + WORD : start + WORD + length].hex(), WORD + padded


def _word(abi_type: str, word: bytes) -> Any:
    if abi_type == "bytes32":
        return "0x" + word.hex()
    if abi_type == "address" and not any(word[:12]):
        return "0x" + word[12:].hex()
    if abi_type == "uint256":
        return int.from_bytes(word)
    raise _Unusual
