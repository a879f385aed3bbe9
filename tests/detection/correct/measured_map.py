"""How much of a written `lab.yaml` a proposed one has: of each entry whether it is right, wrong, or left open."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.coordinator.documented import EVENTS, same_types
from lab.coordinator.overloads import types_of
from lab.coordinator.values import constant, state_number
from lab.session.project_file import ALIASES
from lab.yamlsource import parse_yaml

SECTIONS = ("functions", "events", "roles", "reverts")


@dataclass(frozen=True)
class Measured:
    """Entries of the written file by what was proposed for them. `more` are entries that the written one lacks."""

    right: tuple[str, ...]
    wrong: tuple[str, ...]
    open: tuple[str, ...]
    more: tuple[str, ...]

    def __str__(self) -> str:
        return f"{len(self.right):3} right {len(self.wrong):3} wrong {len(self.open):3} open {len(self.more):3} more"


def measured(written: str, proposed: str, abi: list[dict[str, Any]]) -> Measured:
    """Compare two files' texts."""
    wanted, got = _entries(written, abi), _entries(proposed, abi)
    found: dict[str, list[str]] = {"right": [], "wrong": [], "open": []}
    for key, value in wanted.items():
        outcome = "open" if key not in got else "right" if _says(got[key], value) else "wrong"
        found[outcome].append(key)
    more = tuple(sorted(set(got) - set(wanted)))
    return Measured(tuple(found["right"]), tuple(found["wrong"]), tuple(found["open"]), more)


def _entries(text: str, abi: list[dict[str, Any]]) -> dict[str, Any]:
    document = parse_yaml(text.encode(), Path("lab.yaml")).value
    entries: dict[str, Any] = {}
    for section in SECTIONS:
        for name, form in (document.get(section) or {}).items():
            whole = form if isinstance(form, dict) else {"name": form}
            entries[f"{section} {_key(section, name, form)}"] = (
                _by_place(name, whole, abi) if section == "events" else whole
            )
    for section in ("constructor", "set_up"):
        if section in document:
            entries[section] = {"name": document[section]}
    if "states" in document:
        entries["states"] = {name: state_number(value) for name, value in document["states"].items()}
    return entries


def _by_place(name: str, form: dict[str, Any], abi: list[dict[str, Any]]) -> dict[str, Any]:
    """An event's form with the arguments that it does not name, where they are those of the documentation in order."""
    inputs = next((one["inputs"] for one in abi if one["type"] == "event" and one["name"] == form.get("name")), ())
    documented = EVENTS[name]
    if "arguments" in form or not same_types(documented.types, types_of(inputs)):
        return form
    pairs = zip(documented.parameters, inputs, strict=True)
    return form | {"arguments": {parameter: own["name"] for (parameter, _), own in pairs}}


def _key(section: str, name: str, form: Any) -> str:
    """A second role's name is the author's: it is known by its functions."""
    if section == "roles" and isinstance(form, dict):
        return " ".join(ALIASES.get(one, one) for one in form.get("functions", ()))
    return str(ALIASES.get(name, name))


def _says(got: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether it says all that is wanted, and no other name."""
    if not all(_same(got.get(part), value) for part, value in wanted.items() if part != "where"):
        return False
    # Of conditions either file may have more than it takes to tell the event from others.
    conditions = [got.get("where", {}), wanted.get("where", {})]
    both = conditions[0].keys() & conditions[1].keys()
    agree = len(both) == min(map(len, conditions)) and all(_same(*(one[key] for one in conditions)) for key in both)
    return agree and ("name" in wanted or got.get("name") is None)


def _same(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) and wanted.startswith("keccak256("):
        wanted = constant("bytes32", wanted)
    if isinstance(got, str) and got.startswith("keccak256("):
        got = constant("bytes32", got)
    if isinstance(wanted, dict) and isinstance(got, dict):
        return all(_same(got.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(got, list):
        return _shortened(got) == _shortened(wanted)
    return bool(got == wanted)


def _shortened(values: list[Any]) -> list[Any]:
    """Other results behind the last one of interest may be named or not."""
    values = list(values)
    while values and values[-1] in ("_", "payload"):
        values.pop()
    return values


def table(of: dict[str, Measured]) -> str:
    """A line for each contract, and the sum."""
    lines = [f"{name:10} {one}" for name, one in of.items()]
    total = Counter({part: sum(len(getattr(one, part)) for one in of.values()) for part in Measured.__annotations__})
    return "\n".join([*lines, f"{'all':10} " + " ".join(f"{count:3} {part}" for part, count in total.items())])
