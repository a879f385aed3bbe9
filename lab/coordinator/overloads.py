"""Functions and events of one name and several signatures: which of them is the documented one.

Vyper writes a function with default arguments into the ABI once for every number of arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eth_utils.abi import collapse_if_tuple

from lab.coordinator.documented import EVENTS, EXTRA_EVENTS, FUNCTIONS, Signature, same_types

Entry = Mapping[str, Any]


def types_of(parameters: Sequence[Entry]) -> list[str]:
    """The types of parameters as they stand in a signature, tuples written out."""
    return [collapse_if_tuple(dict(parameter)) for parameter in parameters]


def fields_of(outputs: Sequence[Entry]) -> Sequence[Entry]:
    """The results of a function that returns one struct as if it returned the struct's fields."""
    inside: Sequence[Entry] | None = outputs[0].get("components") if len(outputs) == 1 else None
    return inside or outputs


def constructor_inputs(abi: Sequence[Entry]) -> Sequence[Entry]:
    """The constructor's arguments; none without a constructor."""
    inputs: Iterator[Sequence[Entry]] = (entry.get("inputs", ()) for entry in abi if entry.get("type") == "constructor")
    return next(inputs, ())


def signature_of(entry: Entry) -> str:
    """`name(type,type)`."""
    return f"{entry['name']}({','.join(types_of(entry['inputs']))})"


def entries_of(abi: Sequence[Entry], kind: str, called: str) -> list[Entry]:
    """The functions or events of this name, or the one of this signature (`mark(bytes32)`; spaces do not matter)."""
    there = [entry for entry in abi if entry.get("type") == kind]
    if "(" in called:
        signature = "".join(called.split())
        return [entry for entry in there if signature_of(entry) == signature]
    return [entry for entry in there if entry["name"] == called]


def choose(entries: Sequence[Entry], signature: Signature | None) -> Entry:
    """The one with the documented types, else of as many parameters, else the last: Vyper's with all arguments."""
    if signature is not None:
        for entry in entries:
            if same_types(signature.types, types_of(entry["inputs"])):
                return entry
        for entry in entries:
            if len(entry["inputs"]) == len(signature.types):
                return entry
    return entries[-1]


def documented(kind: str, name: str, entries: Sequence[Entry]) -> bool:
    """Whether one of these functions or events has the types that the documentation gives to `name`."""
    signature = FUNCTIONS.get(name) if kind == "function" else (EVENTS | EXTRA_EVENTS).get(name)
    return signature is not None and any(same_types(signature.types, types_of(entry["inputs"])) for entry in entries)


def overloads(entries: Sequence[Entry], chosen: Entry) -> list[Entry]:
    """The others of the same name."""
    return [entry for entry in entries if entry["name"] == chosen["name"] and entry is not chosen]
