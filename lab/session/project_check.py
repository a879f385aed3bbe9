"""Compares `lab.yaml` with the contract's ABI: whatever does not fit is named at its place, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from lab.coordinator import Codec
from lab.coordinator.documented import EVENTS, EXTRA_EVENTS, FUNCTIONS, same_types
from lab.coordinator.overloads import choose, constructor_inputs, documented, entries_of, signature_of, types_of
from lab.coordinator.values import constant
from lab.deploy.compiled import CompiledContract
from lab.deploy.deployer import capabilities_of
from lab.deploy.proxied import proxy_value
from lab.errors import Problem
from lab.model.contract.capabilities import CAPABILITIES
from lab.model.contract.names import ContractNames
from lab.session.project_file import ALIASES
from lab.validation import suggestion
from lab.yaml_reader import Route
from lab.yamlsource import Source


@dataclass
class Fit:
    """Collects what of a file does not fit a contract."""

    source: Source
    abi: list[dict[str, Any]]
    names: ContractNames
    proxy: CompiledContract | None = None
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.codec = Codec(self.abi, self.names)

    def check(self) -> list[Problem]:
        """Every problem."""
        for section, kind in (("functions", "function"), ("events", "event")):
            for name, form in self._section(section).items():
                self._named(section, kind, name, form)
        self._constructor()
        self._proxy()
        for place, call in enumerate(self._section("set_up", [])):
            self._call(place, call)
        for name, form in self._section("roles").items():
            self._role(name, form)
        if not self.problems:
            self._told_apart()
            self._capabilities()
        return self.problems

    def _section(self, name: str, default: Any = None) -> Any:
        return self.source.value.get(name, {} if default is None else default)

    def _fault(self, route: Route, text: str) -> None:
        self.problems.append(self.source.problem(route, text))

    def _named(self, section: str, kind: str, name: str, form: str | Mapping[str, Any]) -> None:
        """A function or an event: it is there, it is the only one, and its arguments fit."""
        lab_name = ALIASES.get(name, name)
        own, route = (form, (section, name)) if isinstance(form, str) else (form.get("name"), (section, name, "name"))
        own, route = (own, route) if own is not None else (lab_name, (section, name))
        entries = entries_of(self.abi, kind, own)
        if not entries:
            there = [entry for entry in self.abi if entry.get("type") == kind]
            known = map(signature_of if "(" in own else lambda entry: str(entry["name"]), there)
            self._fault(route, f"the contract has no {kind} {own}{suggestion(own, known)}")
            return
        arguments = None if isinstance(form, str) else form.get("arguments")
        if len(entries) > 1 and arguments is None and not documented(kind, lab_name, entries):
            several = ", ".join(map(signature_of, entries))
            self._fault(route, f"the contract has several of that name, none as documented: write one of {several}")
            return
        if kind == "event":
            entry = choose(entries, (EVENTS | EXTRA_EVENTS).get(lab_name))
            self._event_arguments(name, entry, arguments or {})
            self._conditions(name, entry, _conditions_of(form))
            return
        entry = self.codec.functions.get(lab_name, entries[0])
        if arguments is not None:
            self._arguments(name, lab_name, entry, arguments)
        elif lab_name not in self.codec.shaped:
            self._types(route, lab_name, entry)
        if not isinstance(form, str) and form.get("returns") is not None:
            self._results(name, lab_name, form["returns"])

    def _types(self, route: Route, lab_name: str, entry: Mapping[str, Any]) -> None:
        """Without `arguments` the contract's parameters must be the documented ones."""
        expected, got = FUNCTIONS[lab_name].types, types_of(entry.get("inputs", ()))
        if "inputs" in entry and not same_types(expected, got):
            parameters = ", ".join(name for name, _ in FUNCTIONS[lab_name].parameters)
            self._fault(
                route,
                f"{lab_name} takes ({', '.join(expected)}), {signature_of(entry)} does not: say by `arguments` what "
                f"each of its {len(got)} arguments is, of {parameters or 'none'} or {{value: ...}}",
            )

    def _arguments(self, name: str, lab_name: str, entry: Mapping[str, Any], given: list[Any]) -> None:
        route: Route = ("functions", name, "arguments")
        kinds = types_of(entry["inputs"])
        if len(given) != len(kinds):
            self._fault(route, f"{signature_of(entry)} takes {len(kinds)} arguments, got {len(given)}")
            return
        documented_types = dict(FUNCTIONS[lab_name].parameters)
        for place, (kind, argument) in enumerate(zip(kinds, given, strict=True)):
            if isinstance(argument, str):
                documented = documented_types[argument]
                if not same_types([documented], [kind]):
                    text = f"{argument} is {documented}, argument {place + 1} of {signature_of(entry)} is {kind}"
                    self._fault((*route, place), text)
            else:
                key = "bits" if "bits" in argument else "value"
                self._value((*route, place, key), kind, argument[key])

    def _results(self, name: str, lab_name: str, given: list[str]) -> None:
        got = self.codec.all_results(lab_name)
        if len(given) > len(got):
            text = f"{lab_name} returns {len(got)} values ({', '.join(got)}), got {len(given)} names"
            self._fault(("functions", name, "returns"), text)

    def _event_arguments(self, name: str, entry: Mapping[str, Any], given: Mapping[str, str]) -> None:
        own = [str(parameter["name"]) for parameter in entry.get("inputs", ())]
        for documented_name, theirs in given.items():
            if theirs not in own:
                text = f"the event {entry['name']} has no argument {theirs}{suggestion(theirs, own)}"
                self._fault(("events", name, "arguments", documented_name), text)

    def _conditions(self, name: str, entry: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """Values that tell one documented event from another: of arguments that the contract's event has."""
        inputs = entry.get("inputs", ())
        own = dict(zip((str(argument["name"]) for argument in inputs), types_of(inputs), strict=True))
        for argument, value in given.items():
            route: Route = ("events", name, "where", argument)
            if argument not in own:
                self._fault(route, f"the event {entry['name']} has no argument {argument}{suggestion(argument, own)}")
            elif isinstance(value, list):
                for place, one in enumerate(value):
                    self._value((*route, place), own[argument], one)
            else:
                self._value(route, own[argument], value)

    def _told_apart(self) -> None:
        """No two documented calls, or events, may be one and the same of the contract: nobody could tell which."""
        how = "give both the arguments that tell them apart (arguments: [..., {value: ...}])"
        seen: dict[str, str] = {}
        for name in self._section("functions"):
            lab_name = ALIASES.get(name, name)
            if FUNCTIONS[lab_name].returns or lab_name == "transactions" or not self.codec.has(lab_name):
                continue
            own = signature_of(self.codec.functions[lab_name])
            fixed = [repr(slot.value) for slot in self.names.arguments.get(lab_name, ()) if slot.parameter is None]
            if (other := seen.setdefault(f"{own} {fixed}", name)) != name:
                self._fault(("functions", name), f"{other} and {name} are both {own}: {how}, or leave one out")
        how = "say by `where` which values of its arguments make it which"
        for (other, first), (name, second) in combinations(self._section("events").items(), 2):
            own = signature_of(self.codec.events[name])
            if own == signature_of(self.codec.events[other]) and _overlap(
                _conditions_of(first), _conditions_of(second)
            ):
                self._fault(("events", name), f"{other} and {name} are both {own}: {how}, or leave one out")

    def _value(self, route: Route, kind: str, value: Any) -> None:
        try:
            constant(kind, value)
        except ValueError as error:
            self._fault(route, str(error))

    def _constructor(self) -> None:
        inputs = constructor_inputs(self.abi)
        given = self._section("constructor", [])
        kinds = types_of(inputs)
        if len(given) != len(kinds):
            expected = ", ".join(
                f"{parameter.get('name')}: {kind}" for parameter, kind in zip(inputs, kinds, strict=True)
            )
            route: Route = ("constructor",) if given else ("contract",)
            say = "" if given else "; say them by constructor: [...] (lab contract --write-map proposes it)"
            self._fault(route, f"the contract's constructor takes ({expected}), got {len(given)} arguments{say}")
            return
        for place, (kind, value) in enumerate(zip(kinds, given, strict=True)):
            self._value(("constructor", place), kind, value)

    def _proxy(self) -> None:
        """What the constructor of a proxy takes, and the calls in it."""
        if self.proxy is None:
            return
        form = self._section("proxy")
        given, kinds = form.get("constructor", ["implementation"]), types_of(constructor_inputs(self.proxy.abi))
        if len(given) != len(kinds):
            text = f"the proxy's constructor takes ({', '.join(kinds)}), got {len(given)} arguments"
            self._fault(("proxy", "constructor") if "constructor" in form else ("proxy",), text)
            return
        for place, (kind, value) in enumerate(zip(kinds, given, strict=True)):
            call = value | {"call": ALIASES.get(value["call"], value["call"])} if isinstance(value, dict) else value
            try:
                proxy_value(kind, call, self.codec)
            except ValueError as error:
                self._fault(("proxy", "constructor", place), str(error))

    def _call(self, place: int, call: Mapping[str, Any]) -> None:
        name = ALIASES.get(call["call"], call["call"])
        if not self.codec.has(name):
            text = f"the contract has no function {name}{suggestion(name, self.codec.functions)}"
            self._fault(("set_up", place, "call"), text)
            return
        given, kinds = call.get("args", []), self.codec.types(name)
        if len(given) != len(kinds):
            expected = ", ".join(
                f"{parameter}: {kind}" for parameter, kind in zip(self.codec.parameters(name), kinds, strict=True)
            )
            self._fault(("set_up", place), f"{name} takes ({expected}), got {len(given)} arguments")
            return
        for position, (kind, value) in enumerate(zip(kinds, given, strict=True)):
            self._value(("set_up", place, "args", position), kind, value)

    def _role(self, name: str, form: str | Mapping[str, Any]) -> None:
        for key, function in (("grant", f"add_{name}"), ("revoke", f"remove_{name}"), ("has", f"has_{name}")):
            own = None if isinstance(form, str) else form.get(key)
            written = own.get("arguments") if isinstance(own, dict) else None
            own = own["name"] if isinstance(own, dict) else own
            if function not in self.codec.shaped and (key != "has" or own is not None):
                route: Route = ("roles", name) if own is None else ("roles", name, key)
                what = own or {"grant": "grantRole or grant_role", "revoke": "revokeRole or revoke_role"}[key]
                expected = _taken(form) if written is None else f"these {len(written)} arguments"
                use = f"say who holds the role {name}" if key == "has" else f"{key} the role {name} with"
                self._fault(route, f"the contract has no function {what} of {expected} to {use}")

    def _capabilities(self) -> None:
        """Those that the file says the contract has."""
        has = capabilities_of(self.codec)
        for place, name in enumerate(self._section("capabilities", [])):
            if name not in has:
                needed = [
                    function
                    for part in (name, *CAPABILITIES[name].includes)
                    for function in CAPABILITIES[part].function_names
                ]
                missing = [function for function in needed if not self.codec.has(function)]
                self._fault(("capabilities", place), f"the contract lacks {name}: it has no {', '.join(missing)}")


def _taken(form: str | Mapping[str, Any]) -> str:
    """What a function that gives a role takes, as the role is written down."""
    role = form if isinstance(form, str) else form.get("role")
    if role is None:
        return "(address)"
    return "(bytes32, address)" if isinstance(role, str) else "an account and a number that holds the role"


def _conditions_of(form: str | Mapping[str, Any]) -> Mapping[str, Any]:
    return {} if isinstance(form, str) else form.get("where", {})


def _overlap(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether one log could be both; one without conditions is what the other one is not."""
    values = [
        {key: given if isinstance(given, list) else [given] for key, given in one.items()} for one in (first, second)
    ]
    both = set(first) & set(second)
    apart = any(not any(value in values[1][key] for value in values[0][key]) for key in both)
    return bool(first) == bool(second) and not apart
