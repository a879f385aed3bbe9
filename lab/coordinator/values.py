"""Plain values and ABI values: what JSON and YAML can hold beside what the ABI's encoder takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError
from eth_utils.crypto import keccak

from lab.coordinator.accounts import ROLES, role_account
from lab.model.contract.names import ContractNames

WORD = 32
_LISTS = {"bytes", "string"}
_BITS = {"bool": 1, **{f"uint{bits}": bits for bits in range(8, 257, 8)}}
_UINT = re.compile(r"\buint\d+")
_HEX = re.compile("0x[0-9a-fA-F]*")
_KECCAK = re.compile(r"keccak256?\((.+)\)")


def plain(value: Any) -> Any:
    """A decoded ABI value as JSON can hold it."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, str) and _HEX.fullmatch(value):
        return value.lower()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def state_number(value: Any) -> Any:
    """A state's number, also where a contract holds it in bytes or as a text, and as a project file gives those."""
    if not isinstance(value, str):
        return value
    if (text := _KECCAK.fullmatch(value)) is not None:
        return int.from_bytes(keccak(text=text[1].strip("\"'")))
    if value[:2] == "0x" and _HEX.fullmatch(value):
        return int(value, 16) if len(value) > 2 else 0
    return int.from_bytes(value.encode())


def wire(abi_type: str, value: Any) -> Any:
    """The inverse of `plain`, guided by the type."""
    if abi_type.endswith("]"):
        inner = abi_type[: abi_type.rindex("[")]
        return [wire(inner, item) for item in value]
    if abi_type.startswith("("):
        parts = tuple_parts(abi_type)
        fields = list(value.values()) if isinstance(value, Mapping) else list(value)
        return tuple(wire(part, item) for part, item in zip(parts, fields, strict=True))
    if abi_type.startswith("bytes") and isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x"))
    return value


def tuple_parts(abi_type: str) -> list[str]:
    """The types inside of `(type,type)`."""
    parts, depth, start = [], 0, 1
    for index, char in enumerate(abi_type):
        depth += (char == "(") - (char == ")")
        if (char == "," and depth == 1) or (char == ")" and depth == 0):
            parts.append(abi_type[start:index])
            start = index + 1
    return parts


def widened(types: Sequence[str], values: Sequence[Any]) -> list[str]:
    """The types, and the widest number for every narrower one where a value has no room: it takes a word either way."""
    return [
        _UINT.sub("uint256", abi_type) if _too_large(abi_type, value) else abi_type
        for abi_type, value in zip(types, values, strict=True)
    ]


def _too_large(abi_type: str, value: Any) -> bool:
    if abi_type.endswith("]"):
        inner = abi_type[: abi_type.rindex("[")]
        return any(_too_large(inner, item) for item in value)
    if abi_type.startswith("("):
        return any(_too_large(part, item) for part, item in zip(tuple_parts(abi_type), value, strict=True))
    return isinstance(value, int) and abi_type in _BITS and value >> _BITS[abi_type] > 0


def truth(names: ContractNames, function: str, value: Any) -> Any:
    """What a getter of yes or no says. A number is a yes unless it is 0, or as the project file says."""
    if isinstance(value, bool):
        return value
    said = names.truths.get(function)
    if said is None:
        return value != 0 if isinstance(value, int) else value
    if said.bits is not None:
        return isinstance(value, int) and value & said.bits == said.bits
    return value in said.values


def constant(abi_type: str, value: Any) -> Any:
    """A value that a person wrote, as `plain` has it. Raises ValueError where it is none of this type.

    A role's name stands for its address, `keccak256(TEXT)` for the hash of a text, a text for a large number.
    """
    try:
        parsed = _constant(abi_type, value)
        encode([abi_type], [wire(abi_type, parsed)])
    except (EncodingError, ValueError, TypeError):
        known = f" or a role ({', '.join(ROLES)})" if abi_type == "address" else ""
        raise ValueError(f"expected {abi_type}{known}, got {value!r}") from None
    return parsed


def _constant(abi_type: str, value: Any) -> Any:
    if abi_type.endswith("]"):
        inner = abi_type[: abi_type.rindex("[")]
        return [_constant(inner, item) for item in value]
    if abi_type.startswith("("):
        return [_constant(part, item) for part, item in zip(tuple_parts(abi_type), value, strict=True)]
    if not isinstance(value, str):
        return value
    if abi_type == "address" and value in ROLES:
        return role_account(value).address
    if abi_type == "bytes32" and (text := _KECCAK.fullmatch(value)) is not None:
        return "0x" + keccak(text=text[1].strip("\"'")).hex()
    if "int" in abi_type:
        return int(value, 0)
    return value if abi_type == "string" else value.lower()


class _Unusual(Exception):
    """Another type, or another layout: nothing is said of whether it is right."""


def decode_plain(types: Sequence[str], raw: bytes) -> list[Any] | None:
    """The values of ABI data as `plain` gives them; None where it is not laid out as usual, and only eth_abi can tell.

    A relayer decodes some ten values for each transaction, and eth_abi takes the longest of all that it does for one.
    """
    try:
        return _values(types, raw, 0)[0]
    except _Unusual:
        return None


def _values(types: Sequence[str], raw: bytes, base: int) -> tuple[list[Any], int]:
    """The values, and how much they take."""
    values: list[Any] = []
    tail = WORD * len(types)
    for place, abi_type in enumerate(types):
        word = raw[base + WORD * place : base + WORD * (place + 1)]
        if len(word) < WORD:
            raise _Unusual
        if abi_type not in _LISTS and not (abi_type.startswith("(") and abi_type.endswith(")")):
            values.append(_word(abi_type, word))
            continue
        # What has no fixed length stands behind all the words, in order and without a gap.
        if int.from_bytes(word) != tail:
            raise _Unusual
        value: Any
        if abi_type in _LISTS:
            value, used = _bytes(raw, base + tail)
            value = f"0x{value.hex()}" if abi_type == "bytes" else _text(value)
        else:
            parts = _parts(abi_type)
            if _LISTS.isdisjoint(parts):
                raise _Unusual  # of words alone, it has no place of its own
            value, used = _values(parts, raw, base + tail)
        values.append(value)
        tail += used
    return values, tail


@lru_cache(maxsize=256)
def _parts(abi_type: str) -> tuple[str, ...]:
    return tuple(tuple_parts(abi_type))


def _bytes(raw: bytes, start: int) -> tuple[bytes, int]:
    """The value, and how much it takes."""
    length = int.from_bytes(raw[start : start + WORD])
    padded = -(-length // WORD) * WORD
    if len(raw) < start + WORD + padded or any(raw[start + WORD + length : start + WORD + padded]):
        raise _Unusual
    return raw[start + WORD : start + WORD + length], WORD + padded


def _text(raw: bytes) -> Any:
    try:
        return plain(raw.decode())
    except UnicodeDecodeError:
        raise _Unusual from None


def _word(abi_type: str, word: bytes) -> Any:
    if abi_type == "bytes32":
        return "0x" + word.hex()
    if abi_type == "address" and not any(word[:12]):
        return "0x" + word[12:].hex()
    if abi_type in _BITS and (number := int.from_bytes(word)) < 1 << _BITS[abi_type]:
        return bool(number) if abi_type == "bool" else number
    raise _Unusual
