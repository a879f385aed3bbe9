"""Encoding and decoding of the coordinator's calls, results, events and reverts, by its own ABI."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

ERROR_STRING = bytes.fromhex("08c379a0")
PANIC = bytes.fromhex("4e487b71")
_HEX = re.compile("0x[0-9a-fA-F]*")

# Batch entry points, as (single function, name of the parameter that holds the list).
BATCHES: dict[str, str] = {
    "buffer_batch": "buffer_transaction",
    "resolve_batch": "resolve_dependency",
    "execute_batch": "mark_executed",
}


@dataclass(frozen=True, slots=True)
class DecodedCall:
    """A call's function and its arguments by name: bytes as 0x hex, addresses in lower case."""

    function: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DecodedLog:
    """An event's name and its arguments by name."""

    event: str
    args: dict[str, Any]


def plain(value: Any) -> Any:
    """A decoded ABI value as JSON can hold it."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, str) and _HEX.fullmatch(value):
        return value.lower()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _wire(abi_type: str, value: Any) -> Any:
    """The inverse of `plain`, guided by the type."""
    if abi_type.endswith("]"):
        inner = abi_type[: abi_type.rindex("[")]
        return [_wire(inner, item) for item in value]
    if abi_type.startswith("("):
        parts = _split_tuple(abi_type)
        fields = list(value.values()) if isinstance(value, Mapping) else list(value)
        return tuple(_wire(part, item) for part, item in zip(parts, fields, strict=True))
    if abi_type.startswith("bytes") and isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x"))
    return value


def _split_tuple(abi_type: str) -> list[str]:
    parts, depth, start = [], 0, 1
    for index, char in enumerate(abi_type):
        depth += (char == "(") - (char == ")")
        if (char == "," and depth == 1) or (char == ")" and depth == 0):
            parts.append(abi_type[start:index])
            start = index + 1
    return parts


class Codec:
    """One contract's ABI, prepared once."""

    def __init__(self, abi: list[dict[str, Any]]) -> None:
        self.abi = abi
        self.functions: dict[str, dict[str, Any]] = {e["name"]: e for e in abi if e.get("type") == "function"}
        self.events: dict[str, dict[str, Any]] = {e["name"]: e for e in abi if e.get("type") == "event"}
        self._selectors = {self.selector(name): name for name in self.functions}
        self._topics = {"0x" + keccak(text=self._signature(e)).hex(): name for name, e in self.events.items()}

    @staticmethod
    def _types(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
        return [collapse_if_tuple(dict(parameter)) for parameter in parameters]

    def _signature(self, entry: Mapping[str, Any]) -> str:
        return f"{entry['name']}({','.join(self._types(entry['inputs']))})"

    def selector(self, function: str) -> bytes:
        """The four bytes that choose a function. Raises KeyError if the contract has no such function."""
        return bytes(keccak(text=self._signature(self.functions[function]))[:4])

    def has(self, *functions: str) -> bool:
        """True if the contract has all of these functions."""
        return all(function in self.functions for function in functions)

    def encode(self, function: str, args: Sequence[Any]) -> str:
        """Call data as 0x hex. Raises KeyError for an unknown function, ValueError for arguments that do not fit."""
        inputs = self.functions[function]["inputs"]
        types = self._types(inputs)
        try:
            wire = [_wire(abi_type, value) for abi_type, value in zip(types, args, strict=True)]
            return "0x" + (self.selector(function) + encode(types, wire)).hex()
        except (EncodingError, ValueError, TypeError) as error:
            wanted = ", ".join(f"{i['name']}: {t}" for i, t in zip(inputs, types, strict=True))
            raise ValueError(f"expected {function}({wanted}), got {list(args)!r}: {error}") from error

    def decode_call(self, data: str) -> DecodedCall | None:
        """The call in transaction input; None if it is none of this contract's functions or does not decode."""
        raw = bytes.fromhex(data.removeprefix("0x"))
        name = self._selectors.get(raw[:4])
        if name is None:
            return None
        inputs = self.functions[name]["inputs"]
        try:
            values = decode(self._types(inputs), raw[4:])
        except (DecodingError, UnicodeDecodeError):
            return None
        return DecodedCall(name, {i["name"]: plain(v) for i, v in zip(inputs, values, strict=True)})

    def singles(self, call: DecodedCall) -> list[DecodedCall]:
        """A batch call as the single calls that it stands for; any other call as itself."""
        single = BATCHES.get(call.function)
        if single is None or single not in self.functions:
            return [call]
        names = [parameter["name"] for parameter in self.functions[single]["inputs"]]
        items: list[Any] = next(iter(call.args.values()), [])
        return [
            DecodedCall(single, dict(zip(names, item if isinstance(item, list) else [item], strict=True)))
            for item in items
        ]

    def decode_log(self, log: Mapping[str, Any]) -> DecodedLog | None:
        """The event in a log of this contract; None for a foreign one."""
        topics = log["topics"]
        name = self._topics.get(topics[0].lower()) if topics else None
        if name is None:
            return None
        inputs = self.events[name]["inputs"]
        indexed = [i for i in inputs if i["indexed"]]
        free = [i for i in inputs if not i["indexed"]]
        try:
            values = decode(self._types(free), bytes.fromhex(log["data"].removeprefix("0x")))
            args = {i["name"]: plain(v) for i, v in zip(free, values, strict=True)}
            for parameter, topic in zip(indexed, topics[1:], strict=True):
                (value,) = decode(self._types([parameter]), bytes.fromhex(topic.removeprefix("0x")))
                args[parameter["name"]] = plain(value)
        except (DecodingError, ValueError):
            return None
        return DecodedLog(name, {i["name"]: args[i["name"]] for i in inputs})

    def decode_result(self, function: str, data: str) -> list[Any]:
        """The return values of a call. Raises ValueError if the data does not fit the ABI."""
        types = self._types(self.functions[function]["outputs"])
        try:
            return [plain(value) for value in decode(types, bytes.fromhex(data.removeprefix("0x")))]
        except DecodingError as error:
            raise ValueError(f"expected {function} to return ({', '.join(types)}), got {data[:80]}: {error}") from error


def decode_revert(data: Any) -> str | None:
    """The reason in revert data, as people read it; None if there is none."""
    if not isinstance(data, str) or not _HEX.fullmatch(data) or len(data) % 2:
        return None
    raw = bytes.fromhex(data[2:])
    try:
        if raw[:4] == ERROR_STRING:
            return str(decode(["string"], raw[4:])[0])
        if raw[:4] == PANIC:
            return f"panic 0x{decode(['uint256'], raw[4:])[0]:02x}"
    except (DecodingError, UnicodeDecodeError):
        return data[:74]
    return data[:74] if raw else None
