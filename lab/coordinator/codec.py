"""Encoding and decoding of the coordinator's calls, results, events and reverts, by its own ABI.

Everything above speaks the documented names; where a contract calls a thing otherwise, its names are told here once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.crypto import keccak

from lab.coordinator.documented import EVENTS, EXTRA_EVENTS, FUNCTIONS, Signature, known_parameters
from lab.coordinator.overloads import Entry, choose, entries_of, overloads, signature_of, types_of
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
    """One contract's ABI, prepared once.

    `functions` and `events` hold what the contract has by the documented names, and by its own where those are not
    documented.
    """

    def __init__(self, abi: list[dict[str, Any]], names: ContractNames | None = None) -> None:
        self.abi, self.names = abi, names or ContractNames()
        # What stands in front of a documented function's arguments, where one function of the contract serves several.
        self._leading: dict[str, tuple[str, ...]] = {}
        self.functions = self._named("function", self.names.functions, FUNCTIONS)
        self._grant_by_hash()
        self.events = self._named("event", self.names.events, EXTRA_EVENTS | EVENTS)
        self._selectors: dict[bytes, list[str]] = {}
        for name in sorted(self.functions, key=self._is_own):
            self._selectors.setdefault(self.selector(name), []).append(name)
        # The lab's names come last, so that they win.
        names_up = sorted(self.functions, key=self._is_own, reverse=True)
        self._others = {_selector(each): (name, each) for name in names_up for each in self.overloads(name)}
        self._topics: dict[str, str] = {}
        for name in sorted(self.events, key=self._is_own):
            self._topics.setdefault("0x" + keccak(text=signature_of(self.events[name])).hex(), name)

    def _named(self, kind: str, names: Mapping[str, str], documented: Mapping[str, Signature]) -> dict[str, Entry]:
        """The contract's own by their names, and over them those that the project file names; one of each overload."""
        given = {name: entries_of(self.abi, kind, mine) for name, mine in names.items()}
        renamed = {name: choose(entries, documented.get(name)) for name, entries in given.items() if entries}
        own = dict.fromkeys(str(entry["name"]) for entry in self.abi if entry.get("type") == kind)
        chosen = {name: choose(entries_of(self.abi, kind, name), documented.get(name)) for name in own}
        # What a name of the lab stands for is the same under its own name.
        same = {str(entry["name"]): entry for entry in renamed.values() if entry["name"] not in documented}
        return chosen | same | renamed

    def overloads(self, function: str) -> list[Entry]:
        """The other functions of the name under which the contract has this one."""
        entries = [entry for entry in self.abi if entry.get("type") == "function"]
        chosen = {id(entry) for entry in self.functions.values()}
        return [each for each in overloads(entries, self.functions[function]) if id(each) not in chosen]

    @classmethod
    def of(cls, described: Described) -> Codec:
        """The codec of a contract that a file describes, with the names that its owner gave it."""
        return cls(described.abi, described.names)

    def _is_own(self, name: str) -> bool:
        """False for a name of the lab that stands for another one of the contract: it is the one to decode to."""
        return not (name in self._leading or name in self.names.functions or name in self.names.events)

    def _grant_by_hash(self) -> None:
        role = self.names.roles.get("operator")
        for name, candidates in ROLE_FUNCTIONS.items() if role is not None else ():
            for each in candidates:
                if found := entries_of(self.abi, "function", f"{each}(bytes32,address)"):
                    self.functions[name], self._leading[name] = found[0], (str(role),)
                    break

    def selector(self, function: str) -> bytes:
        """The four bytes that choose a function. Raises KeyError if the contract has no such function."""
        return _selector(self.functions[function])

    def parameters(self, function: str) -> list[str]:
        """The names of a function's parameters, the documented ones where its types are as documented."""
        inputs = self.functions[function]["inputs"][len(self._leading.get(function, ())) :]
        return known_parameters(FUNCTIONS.get(function), inputs, types_of(inputs))

    def types(self, function: str) -> list[str]:
        """The types of a function's parameters."""
        return types_of(self.functions[function]["inputs"])[len(self._leading.get(function, ())) :]

    def result_types(self, function: str) -> list[str]:
        """The types that a function returns."""
        return types_of(self.functions[function].get("outputs", ()))

    def has(self, *functions: str) -> bool:
        """True if the contract has all of these functions."""
        return all(function in self.functions for function in functions)

    def encode(self, function: str, args: Sequence[Any]) -> str:
        """Call data as 0x hex. Raises KeyError for an unknown function, ValueError for arguments that do not fit."""
        types, leading = types_of(self.functions[function]["inputs"]), self._leading.get(function, ())
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
            return self._decode_other(raw)
        try:
            values = plain(decode(types_of(self.functions[names[0]]["inputs"]), raw[4:]))
        except (DecodingError, UnicodeDecodeError):
            return None
        for name in names:
            leading = self._leading.get(name, ())
            if tuple(values[: len(leading)]) == leading:
                return DecodedCall(name, dict(zip(self.parameters(name), values[len(leading) :], strict=True)))
        return None

    def _decode_other(self, raw: bytes) -> DecodedCall | None:
        """A call of another overload: of the function itself where it only has more arguments, else of a signature."""
        name, entry = self._others.get(raw[:4], ("", {}))
        if not name:
            return None
        types, known = types_of(entry["inputs"]), self.types(name)
        try:
            values = plain(decode(types, raw[4:]))
        except (DecodingError, UnicodeDecodeError):
            return None
        own = [str(parameter["name"]) for parameter in entry["inputs"]]
        if types[: len(known)] == known and name not in self._leading:
            return DecodedCall(name, dict(zip([*self.parameters(name), *own[len(known) :]], values, strict=True)))
        return DecodedCall(signature_of(entry), dict(zip(own, values, strict=True)))

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
        indexed = [place for place, each in enumerate(inputs) if each["indexed"]]
        free = [place for place, each in enumerate(inputs) if not each["indexed"]]
        types = types_of(inputs)
        try:
            values = decode([types[place] for place in free], bytes.fromhex(log["data"].removeprefix("0x")))
            args = {place: plain(value) for place, value in zip(free, values, strict=True)}
            for place, topic in zip(indexed, topics[1:], strict=True):
                (value,) = decode([types[place]], bytes.fromhex(topic.removeprefix("0x")))
                args[place] = plain(value)
        except (DecodingError, ValueError):
            return None
        known = known_parameters(EVENTS.get(name) or EXTRA_EVENTS.get(name), inputs, types)
        return DecodedLog(name, {called: args[place] for place, called in enumerate(known)})

    def decode_result(self, function: str, data: str) -> list[Any]:
        """The return values of a call. Raises ValueError if the data does not fit the ABI."""
        types = types_of(self.functions[function]["outputs"])
        try:
            return [plain(value) for value in decode(types, bytes.fromhex(data.removeprefix("0x")))]
        except DecodingError as error:
            raise ValueError(f"expected {function} to return ({', '.join(types)}), got {data[:80]}: {error}") from error


def _selector(entry: Entry) -> bytes:
    return _selector_of(signature_of(entry))


@lru_cache(maxsize=4096)
def _selector_of(signature: str) -> bytes:
    return bytes(keccak(text=signature)[:4])


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
