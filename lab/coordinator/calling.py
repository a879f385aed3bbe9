"""How documented functions are called where a contract has another order, more arguments, or roles by hash."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.coordinator.documented import FUNCTIONS, same_types
from lab.coordinator.overloads import Entry, entries_of, types_of
from lab.coordinator.values import constant
from lab.model.contract.names import ContractNames, SecondRole, Slot

# A role that is granted by hash is managed by functions that take the hash first. Whichever the contract has is used.
ROLE_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "add_operator": ("grantRole", "grant_role"),
    "remove_operator": ("revokeRole", "revoke_role"),
    "authorized_operators": ("hasRole", "has_role"),
}

# Constants of these say which role, or which state of the stop: another value is another call.
CHOOSING = (*ROLE_FUNCTIONS, "pause", "unpause")


@dataclass(frozen=True, slots=True)
class Shape:
    """One function as the lab calls it: `parameters` in the documented order, `slots` in the contract's."""

    entry: Entry
    slots: tuple[Slot, ...]
    parameters: tuple[str, ...]
    types: tuple[str, ...]

    def placed(self, args: Sequence[Any]) -> list[Any]:
        """Arguments in the contract's order, constants among them. Raises ValueError for another number of them."""
        given = dict(zip(self.parameters, args, strict=True))
        kinds = types_of(self.entry["inputs"])
        return [
            constant(kind, slot.value) if slot.parameter is None else given[slot.parameter]
            for kind, slot in zip(kinds, self.slots, strict=True)
        ]

    def named(self, values: Sequence[Any]) -> dict[str, Any] | None:
        """A call's values by documented names, and others than the constants by the contract's; None: another call."""
        known: dict[str, Any] = {}
        more: dict[str, Any] = {}
        inputs = self.entry["inputs"]
        for parameter, kind, slot, value in zip(inputs, types_of(inputs), self.slots, values, strict=True):
            if slot.parameter is not None:
                known[slot.parameter] = value
            elif not _is(slot, kind, value):
                if slot.key:
                    return None
                more[str(parameter["name"])] = value
        return {name: known[name] for name in self.parameters if name in known} | more


def _is(slot: Slot, kind: str, value: Any) -> bool:
    """Whether a call has the slot's constant."""
    wanted = constant(kind, slot.value)
    return bool(value & wanted == wanted) if slot.bits else bool(value == wanted)


def shapes(functions: Mapping[str, Entry], abi: Sequence[Entry], names: ContractNames) -> dict[str, Shape]:
    """Every documented function that is not called as documented, and those that manage roles by hash.

    Slots that do not fit the function are left out: `lab.yaml` is checked where it is read.
    """
    by_name: dict[str, Shape] = {}
    if (role := names.roles.get("operator")) is not None:
        for name, candidates in ROLE_FUNCTIONS.items():
            if (entry := _first(abi, candidates, ("bytes32", "address"))) is not None:
                by_name[name] = shape_of(name, entry, (Slot(value=role, key=True), Slot(parameter="operator")))
    for name, second in names.second_roles.items():
        by_name |= _second(name, second, abi)
    shared = [id(functions[name]) for name in names.arguments if name in functions]
    for name, entry in functions.items():
        slots = names.arguments.get(name) or _by_name(name, entry)
        if slots is not None and (name in CHOOSING or shared.count(id(entry)) > 1):
            slots = tuple(slot.model_copy(update={"key": slot.parameter is None}) for slot in slots)
        if slots is not None and len(slots) == len(entry["inputs"]):
            by_name[name] = shape_of(name, entry, slots)
    return by_name


def shape_of(name: str, entry: Entry, slots: tuple[Slot, ...]) -> Shape:
    """The function under its documented name, with the types that the contract gives to documented parameters."""
    kinds = types_of(entry["inputs"])
    own = {slot.parameter: kind for slot, kind in zip(slots, kinds, strict=True) if slot.parameter is not None}
    documented = dict(FUNCTIONS[name].parameters) if name in FUNCTIONS else own
    return Shape(
        entry, slots, tuple(documented), tuple(own.get(parameter, kind) for parameter, kind in documented.items())
    )


def all_roles(function: str, functions: Container[str], names: ContractNames) -> list[str]:
    """What is called for `add_operator` or `remove_operator`: an operator holds every role of the contract, or none.

    The function itself comes first; any other one stands for itself.
    """
    verb, _, role = function.partition("_")
    seconds = names.second_roles if role == "operator" and verb in ("add", "remove") else ()
    return [function, *(call for second in seconds if (call := f"{verb}_{second}") in functions)]


def role_changes(names: ContractNames, holds: Mapping[str, bool], *, give: bool) -> list[str]:
    """What the owner calls so that an account holds every role, or none.

    `holds`: by role, `operator` among them, as far as the contract says so; where it does not, a second role changes
    with the operator's.
    """
    verb, first = "add" if give else "remove", holds["operator"] is not give
    seconds = [name for name in names.second_roles if (first if name not in holds else holds[name] is not give)]
    return [f"{verb}_{name}" for name in (*(["operator"] if first else []), *seconds)]


def _by_name(name: str, entry: Entry) -> tuple[Slot, ...] | None:
    """The documented parameters under their own names, in another order."""
    own = [str(parameter.get("name", "")) for parameter in entry["inputs"]]
    documented = [parameter for parameter, _ in FUNCTIONS[name].parameters] if name in FUNCTIONS else []
    if own == documented or sorted(own) != sorted(documented):
        return None
    return tuple(Slot(parameter=parameter) for parameter in own)


def _second(name: str, role: SecondRole, abi: Sequence[Entry]) -> dict[str, Shape]:
    """`add_NAME`, `remove_NAME`, and `has_NAME` where the contract says who holds it."""
    by_name = {}
    grant = (role.grant,) if role.grant else ROLE_FUNCTIONS["add_operator"]
    revoke = (role.revoke,) if role.revoke else ROLE_FUNCTIONS["remove_operator"]
    has = (role.has,) if role.has else ROLE_FUNCTIONS["authorized_operators"]
    for verb, said, candidates in (("add", "grant", grant), ("remove", "revoke", revoke), ("has", "has", has)):
        key = (Slot(value=role.hash, key=True),) if role.hash is not None else ()
        slots: tuple[Slot, ...] = (*key, Slot(parameter="account"))
        entry: Entry | None
        if said in role.arguments:
            entry, slots = _written_out(abi, candidates, role.arguments[said]) or (None, slots)
        elif role.number is not None:
            entry, slots = _numbered(abi, candidates, role, alone=verb == "has") or (None, slots)
        else:
            entry = _first(abi, candidates, ("bytes32",) * len(key) + ("address",))
        if entry is not None:
            by_name[f"{verb}_{name}"] = shape_of(f"{verb}_{name}", entry, slots)
    return by_name


def _written_out(
    abi: Sequence[Entry], candidates: Sequence[str], slots: Sequence[Slot]
) -> tuple[Entry, tuple[Slot, ...]] | None:
    """The first function that takes the account and these constants, each of which chooses the role or its side."""
    for entry in (entry for candidate in candidates for entry in entries_of(abi, "function", candidate)):
        kinds = types_of(entry["inputs"])
        if len(kinds) == len(slots) and all(_takes(*pair) for pair in zip(kinds, slots, strict=True)):
            keys = (slot.model_copy(update={"key": slot.parameter is None}) for slot in slots)
            return entry, tuple(keys)
    return None


def _takes(kind: str, slot: Slot) -> bool:
    return kind == "address" if slot.parameter is not None else _holds(kind, slot.value)


def _numbered(
    abi: Sequence[Entry], candidates: Sequence[str], role: SecondRole, *, alone: bool
) -> tuple[Entry, tuple[Slot, ...]] | None:
    """The first function that takes an account and a number, in any order; `alone`: or the account alone."""
    account, number = Slot(parameter="account"), Slot(value=role.number, key=True, bits=role.bits)
    for entry in (entry for candidate in candidates for entry in entries_of(abi, "function", candidate)):
        kinds = types_of(entry["inputs"])
        slots = tuple(account if kind == "address" else number for kind in kinds)
        rest = [kind for kind in kinds if kind != "address"]
        if len(kinds) - len(rest) == 1 and (alone if not rest else len(rest) == 1 and _holds(rest[0], role.number)):
            return entry, slots
    return None


def _holds(kind: str, number: Any) -> bool:
    try:
        constant(kind, number)
    except ValueError:
        return False
    return True


def _first(abi: Sequence[Entry], candidates: Sequence[str], types: Sequence[str]) -> Entry | None:
    """The first function of one of these names that takes these types."""
    entries = (entry for candidate in candidates for entry in entries_of(abi, "function", candidate))
    return next((entry for entry in entries if same_types(types, types_of(entry["inputs"]))), None)
