"""Proposes a `lab.yaml` for a contract from its ABI: which of its functions and events probably go by which name.

A guess by names, types and numbers of arguments, to be reviewed: whatever is not plain is marked as uncertain.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.coordinator import Codec
from lab.coordinator.documented import EVENTS, FAILURE_REASONS, FUNCTIONS, REVERTS, Signature, result_names, same_types
from lab.coordinator.overloads import Entry, constructor_inputs, fields_of, signature_of, types_of
from lab.deploy.compiled import CompiledContract
from lab.deploy.interface import inspect
from lab.yamlsource import quoted, scalar

SURE, LIKELY = 0.8, 0.5
# Without so much in common by name a pair is none, unless it is so many types, so much alike, that say what it is.
NAMES_LIKELY = 0.45
TELLING_COUNT, TELLING = 4, 0.7
# One getter may serve for both: a struct holds all details.
SHARED = frozenset({"transactions", "get_transaction_details"})
# Words that mean the same in contracts of this kind, by the word that the documentation uses.
ALIKE: dict[str, str] = {
    **dict.fromkeys(("enqueue", "queue", "enqueued", "queued", "submit", "schedule", "buffered"), "buffer"),
    **dict.fromkeys(("settle", "confirm"), "resolve"),
    **dict.fromkeys(("settled", "confirmed", "resolved"), "ready"),
    **dict.fromkeys(("finish", "finished", "complete", "completed", "done", "execute", "finalize"), "executed"),
    **dict.fromkeys(("halt", "halted", "stop", "stopped", "emergency", "pause"), "paused"),
    **dict.fromkeys(("resume", "resumed", "restart", "lift", "lifted", "unstop"), "unpause"),
    **dict.fromkeys(("relayer", "agent", "operators", "authorised", "authorized"), "operator"),
    **dict.fromkeys(("admin", "governance", "governor", "new", "ownable"), "owner"),
    "unauthorized": "only",
    **dict.fromkeys(("grace", "period", "timeout"), "window"),
    **dict.fromkeys(("dropped", "drop", "rejected"), "failed"),
    **dict.fromkeys(("total", "number"), "count"),
    **dict.fromkeys(("status", "phase"), "state"),
    **dict.fromkeys(("item", "items", "entry", "details", "transactions", "txs"), "transaction"),
    **dict.fromkeys(("due", "deadline", "eta"), "timestamp"),
    **dict.fromkeys(("parent", "depends", "predecessor"), "dependency"),
    **dict.fromkeys(("source", "sender"), "origin"),
    **dict.fromkeys(("destination", "dest"), "target"),
    **dict.fromkeys(("body", "data", "message"), "payload"),
    **dict.fromkeys(("id", "identifier"), "tx"),
    **dict.fromkeys(("why", "cause"), "reason"),
}
ROLE = re.compile(r'keccak256\("([A-Za-z0-9_]+)"\)')


@dataclass(frozen=True, slots=True)
class Match:
    """A documented name and what of the contract is probably meant, from 0 to 1."""

    documented: Signature
    entry: Entry
    score: float


def propose(contract: CompiledContract, shown: str, source: str = "") -> str:
    """The text of a project file for a contract that stands at `shown`."""
    lines = [
        "# Proposed from the contract's ABI: review every line, above all those marked as uncertain.",
        "# `lab contract` says what does not fit.",
        f"contract: {scalar(shown)}",
        *_constructor(contract.abi),
    ]
    functions = _matches(contract.abi, "function", FUNCTIONS)
    lines += _section("functions", [_function(match) for match in functions])
    lines += _section("events", [_event(match) for match in _matches(contract.abi, "event", EVENTS)])
    lines += _section("roles", _roles(contract.abi, source))
    lines += _section("reverts", _reverts(contract))
    return "\n".join(lines) + "\n"


def _section(name: str, blocks: Sequence[Sequence[str]]) -> list[str]:
    return [f"{name}:", *(f"  {line}" for block in blocks for line in block)] if blocks else []


def _words(name: str) -> list[str]:
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return [ALIKE.get(part.lower(), part.lower()) for part in parts]


def alike(one: str, other: str) -> float:
    """How much two names have in common, from 0 to 1: in words, else in letters."""
    first, second = _words(one), _words(other)
    common = len(set(first) & set(second))
    words = 2 * common / (len(set(first)) + len(set(second))) if first and second else 0.0
    return max(words, 0.8 * difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio())


def _likeness(one: str, other: str) -> float:
    """The same, where it says anything."""
    score = alike(one, other)
    return score if score >= NAMES_LIKELY else 0.0


def _types_alike(documented: Sequence[str], got: Sequence[str]) -> float:
    """1 for the same types; less for another order, and for each type that only one of them has."""
    if same_types(documented, got):
        return 1.0
    left = list(got)
    both = 0
    for kind in documented:
        same = next((candidate for candidate in left if same_types([kind], [candidate])), None)
        if same is not None:
            left.remove(same)
            both += 1
    return 0.9 * both / max(len(documented), len(got), 1)


def _score(documented: Signature, entry: Entry) -> float:
    """By name, arguments and results. A view never stands for a call, nor the other way round."""
    if entry.get("type") == "function":
        view = entry.get("stateMutability") in ("view", "pure")
        reads = bool(documented.returns) or documented.name == "transactions"
        if view != reads:
            return 0.0
    types = _types_alike(documented.types, types_of(entry["inputs"]))
    if documented.returns:
        types = (types + _types_alike(documented.returns, types_of(fields_of(entry.get("outputs", ()))))) / 2
    names = alike(documented.name, str(entry["name"]))
    score = 0.6 * names + 0.4 * types
    if len(documented.types) + len(documented.returns) >= TELLING_COUNT and types >= TELLING:
        return max(score, LIKELY)
    return score if names >= NAMES_LIKELY else 0.0


def _matches(abi: Sequence[Entry], kind: str, documented: Mapping[str, Signature]) -> list[Match]:
    """The best pairs first, each name once; names that the contract has as documented are no guess."""
    entries = [entry for entry in abi if entry.get("type") == kind]
    own = {str(entry["name"]) for entry in entries}
    missing = [signature for name, signature in documented.items() if name not in own]
    free = [entry for entry in entries if entry["name"] not in documented]
    pairs = [Match(signature, entry, _score(signature, entry)) for signature in missing for entry in free]
    taken: dict[str, Match] = {}
    used: set[str] = set()
    for match in sorted(pairs, key=lambda pair: -pair.score):
        if match.score < LIKELY or match.documented.name in taken:
            continue
        if signature_of(match.entry) not in used or match.documented.name in SHARED:
            taken[match.documented.name] = match
            used.add(signature_of(match.entry))
    return [taken[name] for name in documented if name in taken]


def _mark(score: float, entry: Entry) -> str:
    return "" if score >= SURE else f"  # uncertain: {signature_of(entry)}"


def _function(match: Match) -> list[str]:
    documented, entry = match.documented, match.entry
    kinds, mark = types_of(entry["inputs"]), _mark(match.score, entry)
    order = _results(documented, entry)
    if same_types(documented.types, kinds) and order is None:
        return [f"{documented.name}: {entry['name']}{mark}"]
    lines = [f"{documented.name}:{mark}", f"  name: {entry['name']}"]
    if not same_types(documented.types, kinds):
        given = _arguments(documented, entry)
        mark = "uncertain: " if any(argument.startswith("{") for argument in given) else ""
        lines.append(f"  arguments: [{', '.join(given)}]  # {mark}{', '.join(_named(entry['inputs']))}")
    return [*lines, f"  returns: [{', '.join(order)}]"] if order is not None else lines


def _named(inputs: Sequence[Entry]) -> list[str]:
    return [
        f"{kind} {parameter.get('name', '')}".strip() for parameter, kind in zip(inputs, types_of(inputs), strict=True)
    ]


def _arguments(documented: Signature, entry: Entry) -> list[str]:
    """The contract's arguments by documented names, a constant for each that the documentation does not have."""
    return _assigned(documented.parameters, entry["inputs"], "{{value: {}}}")


def _zero(kind: str) -> str:
    """A value of a type, to be replaced."""
    if kind.endswith("]"):
        return "[]"
    if kind == "address":
        return "owner"
    if kind == "string":
        return '""'
    if kind == "bool":
        return "false"
    return f'"0x{"00" * int(kind.removeprefix("bytes") or 0)}"' if kind.startswith("bytes") else "0"


def _results(documented: Signature, entry: Entry) -> list[str] | None:
    """Documented names of the contract's results, where they are not the documented ones in their order."""
    outputs = entry.get("outputs", ())
    if not documented.returns or documented.name == "transactions" or same_types(documented.returns, types_of(outputs)):
        return None
    named = zip(result_names(documented.name), documented.returns, strict=False)
    return _assigned(list(named), fields_of(outputs), "_")


def _assigned(documented: Sequence[tuple[str, str]], own: Sequence[Entry], other: str) -> list[str]:
    """Each of the contract's values as the documented one of its type with the name most like it; else `other`.

    Where the names say nothing the documented order decides.
    """
    kinds = types_of(own)
    pairs = [
        (name, place, (_likeness(name, str(own[place].get("name", ""))), kind == got))
        for name, kind in documented
        for place, got in enumerate(kinds)
        if same_types([kind], [got])
    ]
    filled: dict[int, str] = {}
    for name, place, _ in sorted(pairs, key=lambda pair: pair[2], reverse=True):
        if place not in filled and name not in filled.values():
            filled[place] = name
    return [filled.get(place, other.format(_zero(kind))) for place, kind in enumerate(kinds)]


def _event(match: Match) -> list[str]:
    documented, entry = match.documented, match.entry
    own = [str(argument.get("name", "")) for argument in entry["inputs"]]
    mark = _mark(match.score, entry)
    names = dict(zip(_arguments(documented, entry), own, strict=True))
    if same_types(documented.types, types_of(entry["inputs"])) and list(names) == [
        name for name, _ in documented.parameters
    ]:
        return [f"{documented.name}: {entry['name']}{mark}"]
    pairs = ", ".join(f"{name}: {theirs}" for name, theirs in names.items() if not name.startswith("{"))
    return [f"{documented.name}:{mark}", f"  name: {entry['name']}", f"  arguments: {{{pairs}}}"]


def _constructor(abi: Sequence[Entry]) -> list[str]:
    inputs = constructor_inputs(abi)
    given = ", ".join(map(_zero, types_of(inputs)))
    return [f"constructor: [{given}]  # uncertain: {', '.join(_named(inputs))}"] if inputs else []


def _roles(abi: Sequence[Entry], source: str) -> list[list[str]]:
    """The operator's role, where roles are granted by hash: by the name of a getter, or as the source has it."""
    names = {str(entry.get("name")) for entry in abi if entry.get("type") == "function"}
    if "add_operator" in names or not names & {"grantRole", "grant_role"}:
        return []
    known = [name for name in sorted(names) if name.endswith("_ROLE")] + ROLE.findall(source)
    best = max(known, key=lambda name: alike("operator role", name), default="OPERATOR_ROLE")
    others = [name for name in dict.fromkeys(known) if name not in (best, "DEFAULT_ADMIN_ROLE")]
    more = f"; there is also {', '.join(others)}: write {{role: NAME, functions: [execute]}} for a second role"
    return [[f"operator: {best}  # uncertain{more if others else ''}"]]


def _reverts(contract: CompiledContract) -> list[list[str]]:
    """Texts of the code that read like documented ones, and errors with names like those that are missing."""
    documented = {f'"{text}"': text for text in (*REVERTS, *FAILURE_REASONS)}
    items = inspect(contract, Codec(contract.abi)).items
    held = {item.name: item.detail.partition('"')[2].rstrip('"') for item in items if item.kind == "revert"}
    pairs: dict[str, Any] = {documented[name]: own for name, own in held.items() if own}
    lines = [[f"{text}: {quoted(own)}  # uncertain"] for text, own in pairs.items()]
    missing = [documented[item.name] for item in items if item.kind == "revert" and item.status == "missing"]
    errors = [str(entry["name"]) for entry in contract.abi if entry.get("type") == "error"]
    for text in missing if errors else ():
        best = max(errors, key=lambda name: alike(text, name))
        if (score := alike(text, best)) >= LIKELY:
            lines.append([f"{text}: {best}{'' if score >= SURE else '  # uncertain'}"])
    return lines
