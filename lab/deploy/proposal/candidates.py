"""Which functions of a contract may stand for which documented one, by what they take, and with which constants."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise, permutations, product
from typing import Any

from eth_utils.crypto import keccak

from lab.coordinator.documented import FUNCTIONS, same_types
from lab.coordinator.overloads import Entry, types_of
from lab.deploy.proposal.bench import Use
from lab.deploy.proposal.likeness import likeness
from lab.model.contract.names import Slot

HASHED = re.compile(r'keccak256\("(\w+)"\)')
# Values that are tried for what the documentation does not have.
NUMBERS = (*range(16), 16, 32, 64, 128)
COMBINATIONS_MAX = 64
WINDOW_S = 30
ORDERS_MAX = 4
_UINT = re.compile(r"uint\d+")
_DOCSTRING = re.compile(r'^def (\w+)\([^()]*\)[^:\n]*:\s*?\n\s*"""(.*?)"""', re.M | re.S)
_PARAMETER = re.compile(r"@param\s+(\w+)\s+([^@]*)")


def is_view(entry: Entry) -> bool:
    """Whether it only reads."""
    return entry.get("stateMutability") in ("view", "pure")


@dataclass(frozen=True)
class Candidates:
    """The functions of one contract. `hashes` are texts whose hashes may name a role.

    `natspec` is what its source says of a function's parameter.
    """

    abi: Sequence[Entry]
    hashes: tuple[str, ...]
    natspec: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, abi: Sequence[Entry], source: str) -> Candidates:
        """Roles by getters of that name, and by what the source hashes."""
        functions = [entry for entry in abi if entry.get("type") == "function"]
        named = [
            str(entry["name"])
            for entry in functions
            if not entry["inputs"] and types_of(entry["outputs"]) == ["bytes32"]
        ]
        texts = [name for name in named if name.endswith("_ROLE")]
        said = {
            (function, parameter): text
            for function, docstring in _DOCSTRING.findall(source)
            for parameter, text in _PARAMETER.findall(docstring)
        }
        return cls(functions, tuple(dict.fromkeys([*texts, *HASHED.findall(source)])), said)

    def hashed(self, value: Any) -> Any:
        """A hash by the text that it is of, where that is known."""
        texts = {"0x" + keccak(text=text).hex(): f"keccak256({text})" for text in self.hashes}
        return texts.get(value, value) if isinstance(value, str) else value

    def calls(self, parameters: Sequence[tuple[str, str]], *, extra: bool = True) -> Iterator[Use]:
        """Functions that change something and take these parameters, and with `extra` others of known values."""
        for entry in self.abi:
            if not is_view(entry):
                yield from self._uses(entry, parameters, extra)

    def views(self, parameters: Sequence[tuple[str, str]], *, extra: bool = False) -> Iterator[Use]:
        """The same of those that only read."""
        for entry in self.abi:
            if is_view(entry):
                yield from self._uses(entry, parameters, extra)

    def documented(self, name: str) -> list[Use] | None:
        """The function that is there as documented; None if it is not."""
        signature = FUNCTIONS[name]
        own = [entry for entry in self.abi if entry["name"] == name]
        fits = [entry for entry in own if same_types(signature.types, types_of(entry["inputs"]))]
        return [Use.of(fits[0], *(parameter for parameter, _ in signature.parameters))] if fits else None

    def _uses(self, entry: Entry, parameters: Sequence[tuple[str, str]], extra: bool) -> Iterator[Use]:
        kinds = types_of(entry["inputs"])
        if len(kinds) < len(parameters) or (len(kinds) > len(parameters) and not extra):
            return
        for order in islice(_orders(entry, kinds, parameters), ORDERS_MAX):
            choices = [
                [Slot(parameter=name)] if name else self._values(kind) for name, kind in zip(order, kinds, strict=True)
            ]
            for slots in islice(product(*choices), COMBINATIONS_MAX):
                yield Use.of(entry, *slots)

    def _values(self, kind: str) -> list[Slot]:
        if kind == "bool":
            return [Slot(value=True), Slot(value=False)]
        if kind == "bytes32":
            return [Slot(value=f"keccak256({text})") for text in self.hashes]
        if not _UINT.fullmatch(kind):
            return []
        return [Slot(value=number) for number in NUMBERS if number >> int(kind[4:]) == 0]


def _orders(entry: Entry, kinds: Sequence[str], parameters: Sequence[tuple[str, str]]) -> list[list[str | None]]:
    """Every way in which the documented parameters may stand among a function's, the likeliest names first."""
    names = [str(parameter.get("name", "")) for parameter in entry["inputs"]]
    orders: dict[tuple[str | None, ...], float] = {}
    for places in permutations(range(len(kinds)), len(parameters)) if len(kinds) <= 8 else ():
        pairs = list(zip(parameters, places, strict=True))
        if all(same_types([kind], [kinds[place]]) for (_, kind), place in pairs):
            order: list[str | None] = [None] * len(kinds)
            for (name, _), place in pairs:
                order[place] = name
            # By names, then by the documented order.
            rising = sum(first < second for first, second in pairwise(places))
            orders[tuple(order)] = sum(likeness(name, names[place]) for (name, _), place in pairs) + rising / 1000
    return [list(order) for order in sorted(orders, key=lambda order: -orders[order])]


def stand_in(kind: str) -> Any:
    """What the lab would give for a type where nothing is known: itself as the owner, the documented window."""
    if kind == "address":
        return "owner"
    if kind == "bool":
        return False
    if kind.endswith("]"):
        return []
    if kind == "string":
        return ""
    if kind.startswith("bytes"):
        return "0x" + "00" * int(kind.removeprefix("bytes") or 0)
    return WINDOW_S
