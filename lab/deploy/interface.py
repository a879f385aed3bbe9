"""What a contract offers of the documented interface, found without running it: from its ABI and its bytecode.

Nothing here refuses a contract. What is missing is reported first, before a scenario fails for it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lab.coordinator import Codec, StateNumbering
from lab.coordinator.documented import (
    EVENTS,
    FAILURE_REASONS,
    FUNCTIONS,
    REVERTS,
    Part,
    Signature,
    result_names,
    same_types,
)
from lab.coordinator.outputs.reverts import is_signature, selector_of
from lab.coordinator.overloads import constructor_inputs, signature_of, types_of
from lab.deploy.compiled import CompiledContract
from lab.deploy.deployer import capabilities_of
from lab.model.contract.capabilities import CAPABILITIES
from lab.model.effects import EVENTS as EMITTED
from lab.validation import nearest

Status = Literal["found", "missing", "different"]
WORD_BYTES = 32
# Shorter runs of printable bytes are opcodes more often than words.
TEXT_BYTES_MIN = 8
_CODE = re.compile(r"uint\d+|bytes32")
# What a yes or no, and what a state may be held in, where the project file describes it.
_NUMBER, _STATE = re.compile(r"u?int\d+"), re.compile(r"u?int\d+|bytes\d*|string")
# Views whose results every contract shapes by its own struct.
FREE_RESULTS = frozenset({"transactions"})


@dataclass(frozen=True, slots=True)
class Item:
    """One function, event or revert. `detail` says under which other name, or what is there instead."""

    kind: Literal["function", "event", "revert", "constructor"]
    name: str
    part: Part
    status: Status
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.status}" + (f", {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Interface:
    """The report on one contract. `extra` are the signatures of overloads that the lab does not use.

    `errors` are the names of its custom errors.
    """

    contract: str
    compiler: str
    items: tuple[Item, ...]
    capabilities: tuple[str, ...]
    lacking: tuple[str, ...]
    extra: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def deviations(self) -> tuple[Item, ...]:
        """What differs from the documented interface."""
        return tuple(item for item in self.items if item.part == "documented" and item.status != "found")

    @property
    def partial(self) -> tuple[Item, ...]:
        """What is different in capabilities that the contract has, and events of them that are missing."""
        items = (item for item in self.items if item.part in self.capabilities)
        return tuple(
            item
            for item in items
            if item.status == "different"
            or (item.status == "missing" and item.kind == "event" and self._emits(item.name))
        )

    def _emits(self, event: str) -> bool:
        """Whether the contract has a function that should emit the event."""
        there = {item.name for item in self.items if item.kind == "function" and item.status == "found"}
        return any(event in events for function, events in EMITTED.items() if function in there)

    def lines(self, numbering: StateNumbering | None = None) -> list[str]:
        """The report as text, the outcome first."""
        functions = [item for item in self.items if item.kind == "function" and item.part == "documented"]
        have = sum(item.status == "found" for item in functions)
        first = f"contract {self.contract} ({self.compiler}): {have} of {len(functions)} documented functions"
        lines = [first if self.deviations else f"{first}, with all events and reverts"]
        lines += [f"  {line}" for line in _grouped(self.deviations)]
        for part in self.capabilities:
            lines += [f"  {part}: {line}" for line in _grouped(item for item in self.partial if item.part == part)]
        if self.errors and any(item.kind == "revert" for item in self.deviations):
            lines.append(
                f"  its errors may stand for them ({', '.join(self.errors)}): say which, by reverts in lab.yaml"
            )
            lines.append("    (lab contract --write-map proposes it)")
        if self.extra:
            lines.append(f"  beside the documented functions, of the same names: {', '.join(self.extra)}")
        optional = [f"has {', '.join(self.capabilities)}" if self.capabilities else "has none"]
        optional += [f"lacks {', '.join(map(self._lacking, self.lacking))}"] if self.lacking else []
        lines.append(f"  capabilities: {'; '.join(optional)}")
        if numbering is not None:
            numbers = ", ".join(f"{name} {number}" for name, number in numbering.numbers.items())
            lines.append(f"  states: {numbers}")
        return lines

    def _lacking(self, part: str) -> str:
        """A part with what of it there is, if anything."""
        functions = {item.name: item.status for item in self.items if item.kind == "function" and item.part == part}
        there = [name for name, state in functions.items() if state == "found"]
        return f"{part} (there is only {', '.join(there)})" if there else part


def _grouped(items: Iterable[Item]) -> list[str]:
    """A line each, but one for all of a kind of which there is no more to say than that they are missing."""
    lines: dict[str, list[str]] = {}
    for item in items:
        if item.status == "missing" and not item.detail:
            lines.setdefault(f"{item.kind}s missing: ", []).append(item.name)
        else:
            lines[str(item)] = []
    return [head + ", ".join(names) for head, names in lines.items()]


def inspect(contract: CompiledContract, codec: Codec) -> Interface:
    """Compare a contract with the documented interface, under the names that its project file gives."""
    items = [_function(codec, signature) for signature in FUNCTIONS.values()]
    items += [_event(codec, signature) for signature in EVENTS.values()]
    items += _constructor(contract.abi, len(codec.names.constructor))
    code = bytes.fromhex(contract.bytecode.removeprefix("0x"))
    words = texts(code)
    errors = tuple(dict.fromkeys(str(entry["name"]) for entry in contract.abi if entry.get("type") == "error"))
    own = codec.names.reverts
    items += [_revert(code, words, text, own.get(text), errors) for text in (*REVERTS, *FAILURE_REASONS)]
    has = capabilities_of(codec)
    lacking = tuple(name for name in CAPABILITIES if name not in has)
    extra = [signature_of(entry) for name in FUNCTIONS if name in codec.functions for entry in codec.overloads(name)]
    return Interface(contract.name, contract.compiler, tuple(items), has, lacking, tuple(dict.fromkeys(extra)), errors)


def _function(codec: Codec, documented: Signature) -> Item:
    entry = codec.functions.get(documented.name)
    if entry is None:
        return Item("function", documented.name, documented.part, "missing", _meant(documented.name, codec.functions))
    types = codec.types(documented.name)
    returns = _as_declared(codec, documented, codec.result_types(documented.name))
    differs = not same_types(documented.types, types)
    if documented.name not in FREE_RESULTS and documented.returns:
        differs = differs or not same_types(documented.returns, returns)
    if differs:
        got = f"({', '.join(types)})" + (f" -> ({', '.join(returns)})" if returns else "")
        if documented.returns == ("bool",) and len(returns) == 1 and returns[0].startswith("uint"):
            got += "; it is read as a yes unless it is 0: where not, say by true_for or true_bits in lab.yaml"
        expected = f"({', '.join(documented.types)})" + (
            f" -> ({', '.join(documented.returns)})" if documented.returns else ""
        )
        return Item("function", documented.name, documented.part, "different", f"expected {expected}, got {got}")
    return Item("function", documented.name, documented.part, "found", _renamed(documented.name, entry))


def _as_declared(codec: Codec, documented: Signature, returns: Sequence[str]) -> list[str]:
    """The results' types, the documented one where the project file describes the getter and the lab reads its own.

    A number may be a yes or no, and a state whatever holds one: it says how by its own words.
    """
    name, names = documented.name, codec.names
    described = name in names.functions or name in names.returns
    kinds = list(returns)
    if documented.returns == ("bool",) and described:
        kinds = ["bool" if _NUMBER.fullmatch(kind) else kind for kind in kinds]
    fields = result_names(name)
    if "state" in fields and len(documented.returns) == len(kinds) and (described or names.states):
        place = fields.index("state")
        kinds[place] = documented.returns[place] if _STATE.fullmatch(kinds[place]) else kinds[place]
    return kinds


def _event(codec: Codec, documented: Signature) -> Item:
    entry = codec.events.get(documented.name)
    if entry is None:
        return Item("event", documented.name, documented.part, "missing", _meant(documented.name, codec.events))
    types = _event_types(codec, documented, entry)
    if not same_types(documented.types, types):
        detail = f"expected ({', '.join(documented.types)}), got ({', '.join(types)})"
        if own := codec.names.event_arguments.get(documented.name):
            there = {str(parameter.get("name")) for parameter in entry["inputs"]} | own.keys()
            lacking = [name for name, _ in documented.parameters if name not in there]
            detail = f"as {entry['name']}, without {', '.join(lacking)}" if lacking else detail
        return Item("event", documented.name, documented.part, "different", detail)
    return Item("event", documented.name, documented.part, "found", _renamed(documented.name, entry))


def _event_types(codec: Codec, documented: Signature, entry: Mapping[str, Any]) -> list[str]:
    """The types of the event's arguments in the documented order, as far as they are known by name."""
    own = codec.names.event_arguments.get(documented.name, {})
    types = {str(parameter.get("name")): str(parameter["type"]) for parameter in entry["inputs"]}
    signed = [theirs for theirs in own.values() if types.get(theirs, "").startswith("int")]
    types |= {theirs: f"u{types[theirs]}" for theirs in signed}
    named = [types.get(own.get(name, name), "") for name, _ in documented.parameters]
    if all(reason in codec.names.reverts for reason in FAILURE_REASONS):
        # Told by a number, or by a text in 32 bytes: the project file says which is which.
        pairs = zip(documented.parameters, named, strict=True)
        named = [own if name != "reason" or not _CODE.fullmatch(own) else kind for (name, kind), own in pairs]
    return named if all(named) else list(map(str, types_of(entry["inputs"])))


def _constructor(abi: list[dict[str, Any]], given: int) -> list[Item]:
    """Arguments that the project file does not give: the lab deploys without any then."""
    types = types_of(constructor_inputs(abi))
    detail = f"expected no arguments, got ({', '.join(types)}): say them in lab.yaml, by constructor: [...]"
    return [Item("constructor", "arguments", "documented", "different", detail)] if len(types) != given else []


def holds(contract: CompiledContract, text: str) -> bool:
    """Whether a contract's code holds a text."""
    return _holds(bytes.fromhex(contract.bytecode.removeprefix("0x")), text)


def _holds(code: bytes, text: str) -> bool:
    raw = text.encode()
    # Compilers store a text in words of 32 bytes.
    words = (raw[start : start + WORD_BYTES] for start in range(0, len(raw), WORD_BYTES))
    return all(any(form in code for form in _forms(word)) for word in words)


def _forms(word: bytes) -> Iterator[bytes]:
    """How a word may stand in the code: as it is, or as a number without its last zeros, which the code shifts back."""
    yield word
    number = int.from_bytes(word)
    while number and number % 2 == 0:
        number //= 2
        yield number.to_bytes((number.bit_length() + 7) // 8)


def _has_own(code: bytes, errors: Container[str], own: str) -> bool:
    """Whether a contract has what the project file gives: a text, an error of its ABI, an error's selector, a code."""
    if is_signature(own):
        return bytes.fromhex(selector_of(own)[2:]) in code
    return own in errors or own.isdecimal() or _holds(code, own)


def _revert(code: bytes, words: tuple[str, ...], text: str, own: str | None, errors: Container[str]) -> Item:
    if own is not None and _has_own(code, errors, own):
        return Item("revert", f'"{text}"', "documented", "found", f'as "{own}"')
    if own is not None:
        form = "" if is_signature(own) or " " in own else f"; an error that the ABI lacks is written {own}(types)"
        detail = f'lab.yaml says "{own}", the code holds neither such a text nor such an error{form}'
        return Item("revert", f'"{text}"', "documented", "different", detail)
    if _holds(code, text):
        return Item("revert", f'"{text}"', "documented", "found")
    others = {other[:WORD_BYTES] for other in (*REVERTS, *FAILURE_REASONS) if other != text}
    close = nearest(text[:WORD_BYTES], [word for word in words if word not in others])
    detail = f'the code holds "{close}"' if close else ""
    return Item("revert", f'"{text}"', "documented", "different" if close else "missing", detail)


def texts(code: bytes) -> tuple[str, ...]:
    """Runs of printable bytes in a contract's code: its messages, in pieces of up to 32 bytes."""
    texts: dict[str, None] = {}
    run = bytearray()
    for byte in (*code, 0):
        if 0x20 <= byte < 0x7F:
            run.append(byte)
            continue
        if len(run) >= TEXT_BYTES_MIN:
            texts.setdefault(_after_push(run.decode()))
        run.clear()
    return tuple(texts)


def _after_push(text: str) -> str:
    """A push's opcode and what stands before it may be printable too, and what comes after a whole word of text."""
    start = next(
        (index for index, char in enumerate(text) if char.isupper() and text[index + 1 : index + 2].islower()), 0
    )
    return text[start : start + WORD_BYTES]


def _renamed(name: str, entry: Mapping[str, Any]) -> str:
    return "" if entry["name"] == name else f"as {entry['name']}"


def _meant(name: str, known: Mapping[str, Any]) -> str:
    close = nearest(name, known)
    return f"did you mean {close}? (lab.yaml can say so)" if close and close not in FUNCTIONS | EVENTS else ""
