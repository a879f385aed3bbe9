"""Encoding and decoding of the coordinator's calls, results, events and reverts, by its own ABI.

Everything above speaks the documented names; where a contract calls a thing otherwise, its names are told here once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from lab.coordinator.documented import EVENTS, EXTRA_EVENTS, FUNCTIONS, known_parameters
from lab.model.names import ContractNames

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


# A role that is granted by hash is managed by functions that take the hash first. Whichever the contract has is used.
ROLE_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "add_operator": ("grantRole", "grant_role"),
    "remove_operator": ("revokeRole", "revoke_role"),
    "authorized_operators": ("hasRole", "has_role"),
}


class Described(Protocol):
    """A file that describes a deployed contract: `session.json`, or the context of a load run."""

    @property
    def abi(self) -> list[dict[str, Any]]:
        """As the compiler wrote it."""

    @property
    def names(self) -> ContractNames:
        """Where the contract's own names differ from the documented ones."""


class Codec:
    """One contract's ABI, prepared once. `functions` and `events` hold what the contract has by the documented names,
    and by its own where those are not documented."""

    def __init__(self, abi: list[dict[str, Any]], names: ContractNames | None = None) -> None:
        self.abi, self.names = abi, names or ContractNames()
        own: dict[str, dict[str, Any]] = {e["name"]: e for e in abi if e.get("type") == "function"}
        # What stands in front of a documented function's arguments, where one function of the contract serves several.
        self._leading: dict[str, tuple[str, ...]] = {}
        self.functions = own | {name: own[mine] for name, mine in self.names.functions.items() if mine in own}
        self._grant_by_hash(own)
        events: dict[str, dict[str, Any]] = {e["name"]: e for e in abi if e.get("type") == "event"}
        self.events = events | {name: events[mine] for name, mine in self.names.events.items() if mine in events}
        self._selectors: dict[bytes, list[str]] = {}
        for name in sorted(self.functions, key=self._is_own):
            self._selectors.setdefault(self.selector(name), []).append(name)
        self._topics: dict[str, str] = {}
        for name in sorted(self.events, key=self._is_own):
            self._topics.setdefault("0x" + keccak(text=self._signature(self.events[name])).hex(), name)

    @classmethod
    def of(cls, described: Described) -> Codec:
        """The codec of a contract that a file describes, with the names that its owner gave it."""
        return cls(described.abi, described.names)

    def _is_own(self, name: str) -> bool:
        """False for a name of the lab that stands for another one of the contract: it is the one to decode to."""
        return not (name in self._leading or name in self.names.functions or name in self.names.events)

    def _grant_by_hash(self, own: Mapping[str, dict[str, Any]]) -> None:
        role = self.names.roles.get("operator")
        for name, candidates in ROLE_FUNCTIONS.items() if role is not None else ():
            found = next((each for each in candidates if each in own), None)
            if found is not None and self._types(own[found]["inputs"]) == ["bytes32", "address"]:
                self.functions[name], self._leading[name] = own[found], (str(role),)

    @staticmethod
    def _types(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
        return [collapse_if_tuple(dict(parameter)) for parameter in parameters]

    def _signature(self, entry: Mapping[str, Any]) -> str:
        return f"{entry['name']}({','.join(self._types(entry['inputs']))})"

    def selector(self, function: str) -> bytes:
        """The four bytes that choose a function. Raises KeyError if the contract has no such function."""
        return bytes(keccak(text=self._signature(self.functions[function]))[:4])

    def parameters(self, function: str) -> list[str]:
        """The names of a function's parameters, the documented ones where its types are as documented."""
        inputs = self.functions[function]["inputs"][len(self._leading.get(function, ())) :]
        return known_parameters(FUNCTIONS.get(function), inputs, self._types(inputs))

    def types(self, function: str) -> list[str]:
        """The types of a function's parameters."""
        return self._types(self.functions[function]["inputs"])[len(self._leading.get(function, ())) :]

    def result_types(self, function: str) -> list[str]:
        """The types that a function returns."""
        return self._types(self.functions[function].get("outputs", ()))

    def has(self, *functions: str) -> bool:
        """True if the contract has all of these functions."""
        return all(function in self.functions for function in functions)

    def encode(self, function: str, args: Sequence[Any]) -> str:
        """Call data as 0x hex. Raises KeyError for an unknown function, ValueError for arguments that do not fit."""
        types, leading = self._types(self.functions[function]["inputs"]), self._leading.get(function, ())
        try:
            wire = [_wire(abi_type, value) for abi_type, value in zip(types, [*leading, *args], strict=True)]
            return "0x" + (self.selector(function) + encode(types, wire)).hex()
        except (EncodingError, ValueError, TypeError) as error:
            named = zip(self.parameters(function), types[len(leading) :], strict=True)
            wanted = ", ".join(f"{name}: {abi_type}" for name, abi_type in named)
            raise ValueError(f"expected {function}({wanted}), got {list(args)!r}: {error}") from error

    def decode_call(self, data: str) -> DecodedCall | None:
        """The call in transaction input; None if it is none of this contract's functions or does not decode."""
        raw = bytes.fromhex(data.removeprefix("0x"))
        names = self._selectors.get(raw[:4])
        if not names:
            return None
        try:
            values = plain(decode(self._types(self.functions[names[0]]["inputs"]), raw[4:]))
        except (DecodingError, UnicodeDecodeError):
            return None
        for name in names:
            leading = self._leading.get(name, ())
            if tuple(values[: len(leading)]) == leading:
                return DecodedCall(name, dict(zip(self.parameters(name), values[len(leading) :], strict=True)))
        return None

    def singles(self, call: DecodedCall) -> list[DecodedCall]:
        """A batch call as the single calls that it stands for; any other call as itself."""
        single = BATCHES.get(call.function)
        if single is None or single not in self.functions:
            return [call]
        names = self.parameters(single)
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
        known = known_parameters(EVENTS.get(name) or EXTRA_EVENTS.get(name), inputs, self._types(inputs))
        return DecodedLog(name, {called: args[i["name"]] for called, i in zip(known, inputs, strict=True)})

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
