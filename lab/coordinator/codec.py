"""Encoding and decoding of the coordinator's calls, results and events, by its own ABI.

Everything above speaks the documented names; where a contract calls a thing otherwise, its names are given here once.
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

from lab.coordinator.calling import Shape, shapes
from lab.coordinator.documented import EVENTS, EXTRA_EVENTS, FUNCTIONS, Signature, known_parameters, result_names
from lab.coordinator.outputs.logs import DecodedLog as DecodedLog
from lab.coordinator.outputs.logs import Logs, decoded_values
from lab.coordinator.outputs.reverts import Reasons
from lab.coordinator.overloads import Entry, choose, entries_of, fields_of, overloads, signature_of, types_of
from lab.coordinator.values import plain, state_number, truth, widened, wire
from lab.model.contract.batches import BATCHES, requests_of
from lab.model.contract.names import ContractNames


@dataclass(frozen=True, slots=True)
class DecodedCall:
    """A call's function and its arguments by name: bytes as 0x hex, addresses in lower case."""

    function: str
    args: dict[str, Any]


# Getters whose results are told by their places.
_BY_PLACE = ("get_transaction_details", "get_transaction_state")
# One argument of a word, as it stands in call data. Addresses in mixed case carry a checksum for the library to judge.
_WORDS = {"bytes32": re.compile("0x[0-9a-fA-F]{64}"), "address": re.compile("0x[0-9a-f]{40}")}


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
        self.functions = self._named("function", self.names.functions, FUNCTIONS)
        # How a documented function is called where that is not as documented.
        self._shapes: dict[str, Shape] = shapes(self.functions, self.abi, self.names)
        self.functions |= {name: shape.entry for name, shape in self._shapes.items()}
        self.events = self._named("event", self.names.events, EXTRA_EVENTS | EVENTS)
        self._own_selectors: dict[str, bytes] = {}
        self._selectors: dict[bytes, list[str]] = {}
        for name in sorted(self.functions, key=self._is_own):
            self._selectors.setdefault(self.selector(name), []).append(name)
        # The lab's names come last, so that they win.
        names_up = sorted(self.functions, key=self._is_own, reverse=True)
        self._others = {_selector(overload): (name, overload) for name in names_up for overload in self.overloads(name)}
        self.reasons = Reasons(abi, self.names)
        self.logs = Logs(self.events, self.names, self.reasons, self._is_own)
        self._types: dict[tuple[str, str], list[str]] = {}

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
        return [overload for overload in overloads(entries, self.functions[function]) if id(overload) not in chosen]

    @classmethod
    def of(cls, described: Described) -> Codec:
        """The codec of a contract that a file describes, with the names that its owner gave it."""
        return cls(described.abi, described.names)

    def _is_own(self, name: str) -> bool:
        """False for a name of the lab that stands for another one of the contract: it is the one to decode to."""
        return not (name in self._shapes or name in self.names.functions or name in self.names.events)

    def selector(self, function: str) -> bytes:
        """The four bytes that choose a function. Raises KeyError if the contract has no such function."""
        if function not in self._own_selectors:
            self._own_selectors[function] = _selector(self.functions[function])
        return self._own_selectors[function]

    def parameters(self, function: str) -> list[str]:
        """The names of a function's parameters, the documented ones where its types are as documented."""
        if (shape := self._shapes.get(function)) is not None:
            return list(shape.parameters)
        inputs = self.functions[function]["inputs"]
        return known_parameters(FUNCTIONS.get(function), inputs, types_of(inputs))

    def types(self, function: str) -> list[str]:
        """The types of a function's parameters."""
        if (shape := self._shapes.get(function)) is not None:
            return list(shape.types)
        return types_of(self.functions[function]["inputs"])

    @property
    def shaped(self) -> frozenset[str]:
        """The documented functions that are not called as documented."""
        return frozenset(self._shapes)

    @property
    def role_getters(self) -> dict[str, str]:
        """The getters that say who holds a role, by the role: the operator's, and second ones where there is one."""
        operator = {"operator": "authorized_operators"} if self.has("authorized_operators") else {}
        seconds = {name: f"has_{name}" for name in self.names.second_roles}
        return operator | {name: getter for name, getter in seconds.items() if getter in self.shaped}

    def all_results(self, function: str) -> list[str]:
        """The types that a function returns in the contract's own order, a struct as its fields."""
        return types_of(fields_of(self.functions[function].get("outputs", ())))

    def result_types(self, function: str) -> list[str]:
        """The types that a function returns, in the documented order where the project file says which is which."""
        order = self._result_order(function)
        if function in self.names.truths:
            return ["bool"]
        if order is None:
            return types_of(self.functions[function].get("outputs", ()))
        types = self.all_results(function)
        return [types[place] for place in order if place < len(types)]

    def has(self, *functions: str) -> bool:
        """True if the contract has all of these functions."""
        return all(function in self.functions for function in functions)

    def encode(self, function: str, args: Sequence[Any], *, any_width: bool = False) -> str:
        """Call data as 0x hex. Raises KeyError for an unknown function, ValueError for arguments that do not fit.

        `any_width`: a number that the contract's own type has no room for is sent all the same, for it to refuse.
        """
        types, shape = self._types_of(function, "inputs"), self._shapes.get(function)
        if shape is None and len(types) == len(args) <= 1 and (word := _word(types, args)) is not None:
            return f"0x{self.selector(function).hex()}{word}"
        try:
            values = args if shape is None else shape.placed(args)
            wired = [wire(abi_type, value) for abi_type, value in zip(types, values, strict=True)]
            body = encode(widened(types, wired) if any_width else types, wired)
            return "0x" + (self.selector(function) + body).hex()
        except (EncodingError, ValueError, TypeError) as error:
            named = zip(self.parameters(function), self.types(function), strict=True)
            documented = ", ".join(f"{name}: {abi_type}" for name, abi_type in named)
            raise ValueError(f"expected {function}({documented}), got {list(args)!r}: {error}") from error

    def is_beyond(self, function: str, args: Sequence[Any]) -> bool:
        """Whether a value is too large for the contract's own type, so that its decoder refuses the call.

        Of payloads the ABI does not say how long they may be: `lab.yaml` does, by `limits`.
        """
        most = self.names.limits.payload_bytes
        if most is not None and any(len(str(request[3])) // 2 - 1 > most for request in requests_of(function, args)):
            return True
        shape = self._shapes.get(function)
        types, values = self._types_of(function, "inputs"), args if shape is None else shape.placed(args)
        wired = [wire(abi_type, value) for abi_type, value in zip(types, values, strict=True)]
        return widened(types, wired) != list(types)

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
            shape = self._shapes.get(name)
            args = dict(zip(self.parameters(name), values, strict=True)) if shape is None else shape.named(values)
            if args is not None:
                return DecodedCall(name, args)
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
        if types[: len(known)] == known and name not in self._shapes:
            return DecodedCall(name, dict(zip([*self.parameters(name), *own[len(known) :]], values, strict=True)))
        return DecodedCall(signature_of(entry), dict(zip(own, values, strict=True)))

    def singles(self, call: DecodedCall) -> list[DecodedCall]:
        """A batch call as the single calls that it stands for; any other call as itself."""
        single = BATCHES.get(call.function)
        if single is None or single not in self.functions:
            return [call]
        names = self.parameters(single)
        items = [item if isinstance(item, list) else [item] for item in next(iter(call.args.values()), [])]
        if any(len(item) != len(names) for item in items):
            return [call]
        return [DecodedCall(single, dict(zip(names, item, strict=True))) for item in items]

    def decode_log(self, log: Mapping[str, Any]) -> DecodedLog | None:
        """The event in a log of this contract; None for a foreign one."""
        return self.logs.decode(log)

    def _result_order(self, function: str) -> list[int] | None:
        """Where each documented result stands among the contract's."""
        given = self.names.returns.get(function)
        return None if given is None else [given.index(name) for name in result_names(function) if name in given]

    def _tells(self, function: str) -> bool:
        """Whether a function's documented result is whether something holds."""
        return function in self.names.truths or (function in FUNCTIONS and FUNCTIONS[function].returns == ("bool",))

    def decode_result(self, function: str, data: str) -> list[Any]:
        """The return values of a call. Raises ValueError if the data does not fit the ABI."""
        outputs = self.functions[function]["outputs"]
        types, order = self._types_of(function, "outputs"), self._result_order(function)
        try:
            values = decoded_values(types, bytes.fromhex(data.removeprefix("0x")))
            if order is not None:
                values = values[0] if fields_of(outputs) is not outputs else values
                values = [values[place] for place in order]
            if function in _BY_PLACE and len(values) == len(names := result_names(function)):
                place = names.index("state")
                values = [*values[:place], state_number(values[place]), *values[place + 1 :]]
            return [truth(self.names, function, value) for value in values] if self._tells(function) else values
        except (DecodingError, IndexError) as error:
            raise ValueError(f"expected {function} to return ({', '.join(types)}), got {data[:80]}: {error}") from error

    def _types_of(self, function: str, side: str) -> list[str]:
        """Of a function's inputs or outputs in the contract's own order, worked out once."""
        if (function, side) not in self._types:
            self._types[function, side] = types_of(self.functions[function][side])
        return self._types[function, side]

    def word_at(self, function: str, parameter: str) -> int:
        """The byte of call data at which a documented parameter's word stands. Raises ValueError if it has none."""
        shape = self._shapes.get(function)
        order = self.parameters(function) if shape is None else [slot.parameter for slot in shape.slots]
        return 4 + 32 * order.index(parameter)


def _word(types: Sequence[str], args: Sequence[Any]) -> str | None:
    """At most one argument, without 0x, where no library is needed to encode it."""
    if not types:
        return ""
    known = _WORDS.get(types[0])
    return args[0][2:].lower().zfill(64) if known is not None and known.fullmatch(str(args[0])) else None


def _selector(entry: Entry) -> bytes:
    return _selector_of(signature_of(entry))


@lru_cache(maxsize=4096)
def _selector_of(signature: str) -> bytes:
    return bytes(keccak(text=signature)[:4])
