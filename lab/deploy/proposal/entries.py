"""What the trials found, as entries of a project file, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lab.coordinator.calling import ROLE_FUNCTIONS
from lab.coordinator.documented import EVENTS, FUNCTIONS, result_names, same_types
from lab.coordinator.overloads import fields_of, types_of
from lab.deploy.proposal.bench import Use
from lab.deploy.proposal.course import Getter
from lab.deploy.proposal.events import EventMatch
from lab.deploy.proposal.line import Line
from lab.deploy.proposal.refusals import Refusal
from lab.deploy.proposal.subject import Role, Tried

SHORT = {"buffer_transaction": "buffer", "resolve_dependency": "resolve", "mark_executed": "execute"}
# Which function logs at a step, and what it was then.
LOGGED = {
    "buffered": ("buffer_transaction", ""),
    "ready": ("resolve_dependency", " of what is due"),
    "early": ("resolve_dependency", " of what is too early"),
    "late": ("resolve_dependency", " of what is too late"),
    "stopped": ("pause", ""),
    "lifted": ("unpause", ""),
    "proposed": ("propose_owner", ""),
    "accepted": ("accept_ownership", ""),
    "threshold": ("set_breaker_threshold", ""),
    "execution window": ("set_execution_window", ""),
}


def function_lines(tried: Tried, getters: Mapping[str, Getter], stopped: Any) -> Iterator[Line]:
    """Functions under other names, with other arguments, or other results."""
    said: dict[str, Any] = {"paused": stopped, "authorized_operators": tried.roles[0].held} if tried.roles else {}
    for name, use in ((name, tried.uses[name]) for name in FUNCTIONS if name in tried.uses):
        form: dict[str, Any] = {} if use.name == name else {"name": use.name}
        if use.arguments != [parameter for parameter, _ in FUNCTIONS[name].parameters]:
            form["arguments"] = use.arguments
        if FUNCTIONS[name].returns == ("bool",):
            form |= _truth(name, use, said.get(name, 1), tried)
        if name in getters:
            form |= _returns(name, getters[name])
        types = types_of(fields_of(use.entry.get("outputs", ())))
        if not form and (not FUNCTIONS[name].returns or same_types(FUNCTIONS[name].returns, types)):
            continue
        value = form.get("name", name) if len(form) <= ("name" in form) else form
        doubt = tried.doubts.get(name)
        yield Line("functions", name, value, doubt or f"tried: {tried.why[name]}", doubt is None)


def _truth(name: str, use: Use, said: Any, tried: Tried) -> dict[str, Any]:
    """Which number is a yes; where a stop is told by when it began any but 0 is."""
    kinds = types_of(use.entry["outputs"])
    if not kinds or not kinds[0].startswith("uint"):
        return {}
    if name == "paused" and said not in tried.uses["pause"].constants:
        return {}
    masked = name == "authorized_operators" and any(slot.bits for slot in tried.roles[0].grant.slots)
    return {"true_bits": said} if masked else {"true_for": [said]}


def _returns(name: str, getter: Getter) -> dict[str, Any]:
    """The results by documented names where they are others, or in another order."""
    own, known = getter.results, result_names(name)
    names = [str(field.get("name", "")) for field in fields_of(getter.use.entry["outputs"])]
    by_name = name == "transactions" and all(one in ("_", theirs) for one, theirs in zip(own, names, strict=True))
    return {} if own == known or by_name else {"returns": [one if one in known else "_" for one in own]}


def event_lines(tried: Tried, events: Mapping[str, EventMatch]) -> Iterator[Line]:
    """Events under other names, with other arguments, or told from others by a value."""
    for name, match in events.items():
        form: dict[str, Any] = {} if match.entry["name"] == name else {"name": match.entry["name"]}
        names = [str(argument["name"]) for argument in match.entry["inputs"]]
        as_documented = same_types(EVENTS[name].types, types_of(match.entry["inputs"]))
        renamed = any(documented != own for documented, own in match.arguments.items())
        if renamed and not (as_documented and list(match.arguments.values()) == names):
            form["arguments"] = dict(match.arguments)
        if match.where:
            form["where"] = {own: tried.candidates.hashed(value) for own, value in match.where.items()}
        if form:
            function, when = LOGGED[match.step]
            by = tried.uses[function].name
            value = form["name"] if form.keys() == {"name"} else form
            yield Line("events", name, value, f"tried: {by}{when} logs it")


def role_lines(tried: Tried) -> Iterator[Line]:
    """The operator's role where it is given by hash as usual, and every second role."""
    for place, role in enumerate(tried.roles):
        hashed = hash_of(role)
        if place == 0:
            if hashed is not None:
                yield Line("roles", "operator", hashed, f"tried: who is given it by {role.grant.name} can buffer")
            continue
        form: dict[str, Any] = {"role": hashed} if hashed is not None else _calls(role)
        form["functions"] = [SHORT[step] for step in role.steps]
        steps = ", ".join(tried.uses[step].name for step in role.steps)
        whole = role.revoke is not None
        lacking = "" if whole else "; what takes it again was not found"
        why = f"tried: {steps} asks for what {role.grant} gives, buffering does not{lacking}"
        yield Line("roles", _label(role, place), form, why, whole)


def hash_of(role: Role) -> str | None:
    """The text whose hash is the role, where the usual functions give it by that hash."""
    constants = role.grant.constants
    if (
        len(constants) != 1
        or not isinstance(constants[0], str)
        or role.grant.name not in ROLE_FUNCTIONS["add_operator"]
    ):
        return None
    return constants[0].removeprefix("keccak256(").removesuffix(")")


def _label(role: Role, place: int) -> str:
    """A name for a second role: its hash's text, its number, or what its function adds."""
    texts = [value for value in role.grant.constants if isinstance(value, str)]
    numbers = [value for value in role.grant.constants if type(value) is int]
    label = texts[0].removeprefix("keccak256(").rstrip(")").lower().removesuffix("_role") if texts else ""
    label = label or (f"role_{numbers[0]}" if numbers else role.grant.name.removeprefix("add_"))
    return label if label.isidentifier() and label not in ("operator", "owner") else f"role_{place}"


def _calls(role: Role) -> dict[str, Any]:
    """A second role's functions: by name where they take the account alone or a number beside, else written out."""
    uses = {"grant": role.grant, "revoke": role.revoke, "has": role.has}
    numbers = [slot for slot in role.grant.slots if slot.parameter is None]
    if all(type(slot.value) is int for slot in numbers) and len(numbers) <= 1:
        form: dict[str, Any] = {key: use.name for key, use in uses.items() if use is not None}
        number = {slot.value: {"bits": slot.value} if slot.bits else slot.value for slot in numbers}
        return form | ({"role": next(iter(number.values()))} if number else {})
    return {
        key: {"name": use.name, "arguments": ["account" if one == "operator" else one for one in use.arguments]}
        if use.constants
        else use.name
        for key, use in uses.items()
        if use is not None
    }


def revert_lines(refusals: Mapping[str, Refusal]) -> Iterator[Line]:
    """The contract's own words."""
    for text, refusal in refusals.items():
        yield Line("reverts", text, refusal.own, f"tried: {refusal.by}")
