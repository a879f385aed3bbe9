"""The form of `lab.yaml`: what may stand in it, before anybody looks at the contract."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from lab.coordinator.documented import (
    CAPABILITY_REVERTS,
    EVENTS,
    EXTRA_EVENTS,
    FAILURE_REASONS,
    FUNCTIONS,
    REVERTS,
    result_names,
)
from lab.coordinator.states import NAMES as STATES
from lab.model.contract.capabilities import CAPABILITIES, NAMES
from lab.model.contract.names import Limits
from lab.model.step import Role, fault_at
from lab.session.relayer.declared import DeclaredRelayer
from lab.validation import suggestion

ALIASES = {"buffer": "buffer_transaction", "resolve": "resolve_dependency", "execute": "mark_executed"}
SETTINGS = ("coordination_window", *(name for capability in CAPABILITIES.values() for name, _ in capability.defaults))
# Reasons of the reference's own breaker and deadline beside those of calls.
REASONS = (*REVERTS, *CAPABILITY_REVERTS, *FAILURE_REASONS, "Execution failed", "Failure threshold reached")
SET_UP_CALLS_MAX = 32


class _Form(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class Constant(_Form):
    """An argument that the documentation does not have, with the value that the lab gives."""

    value: Any = Field(
        default=None, description="a number, a text, true, false or a list; a role's name stands for its address"
    )
    bits: int | None = Field(default=None, ge=1, description="a mask: the lab gives these bits, others do not matter")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("expected {value: ...} or {bits: ...}")
        return self


class FunctionForm(_Form):
    """A function that differs in more than its name."""

    name: str | None = Field(default=None, description="the contract's name or signature; omitted: the documented one")
    arguments: tuple[str | Constant, ...] | None = Field(
        default=None, description="the contract's arguments in their order: documented names, or {value: ...}"
    )
    returns: tuple[str, ...] | None = Field(
        default=None, description="the contract's results in their order, by documented names; _ for any other"
    )
    true_for: tuple[Any, ...] | None = Field(
        default=None, description="what a getter of yes or no returns for yes, where that is a number"
    )
    true_bits: int | None = Field(default=None, ge=1, description="the bits that are all set for yes")

    @model_validator(mode="after")
    def _one_truth(self) -> Self:
        if self.true_for is not None and self.true_bits is not None:
            raise ValueError("expected true_for or true_bits, got both")
        return self


class EventForm(_Form):
    """An event that differs in more than its name."""

    name: str | None = Field(default=None, description="the contract's name or signature; omitted: the documented one")
    arguments: dict[str, str] = Field(default_factory=dict, description="the documented name: the contract's own")
    where: dict[str, Any] = Field(
        default_factory=dict,
        description="the contract's argument: the value, or list of values, with which its event is this one",
    )


class RoleCall(_Form):
    """A function that gives or takes a role, or says who holds it, with all of its arguments."""

    name: str = Field(description="the contract's name or signature")
    arguments: tuple[str | Constant, ...] = Field(
        description="the contract's arguments in their order: `account` once, {value: ...} for each other one"
    )

    @field_validator("arguments")
    @classmethod
    def _arguments(cls, given: tuple[str | Constant, ...]) -> tuple[str | Constant, ...]:
        for place, argument in enumerate(given):
            if isinstance(argument, str) and argument != "account":
                raise fault_at(f"expected account or {{value: ...}}, got {argument}", place)
        if given.count("account") != 1:
            raise ValueError(f"expected account once, got it {given.count('account')} times")
        return given


class RoleForm(_Form):
    """A role with functions of its own, granted to every operator in addition."""

    role: str | int | Constant | None = Field(
        default=None,
        description="the role's name, its hash, its number, or {bits: ...} of a mask; omitted: the functions take none",
    )
    grant: str | RoleCall | None = Field(
        default=None, description="the contract's function; omitted: grantRole or grant_role"
    )
    revoke: str | RoleCall | None = Field(
        default=None, description="the contract's function; omitted: revokeRole or revoke_role"
    )
    has: str | RoleCall | None = Field(
        default=None, description="the contract's view of its holders; omitted: hasRole or has_role"
    )
    functions: tuple[str, ...] = Field(default=(), description="operator functions that ask for this role instead")

    @field_validator("role")
    @classmethod
    def _role(cls, given: str | int | Constant | None) -> str | int | Constant | None:
        if isinstance(given, Constant) and given.bits is None:
            raise ValueError("expected the role's name, its hash, its number or {bits: ...}")
        return given

    @model_validator(mode="after")
    def _two_sides(self) -> Self:
        if self.grant is not None and self.grant == self.revoke and not isinstance(self.grant, str):
            raise ValueError("grant and revoke are one and the same call: expected a constant that tells them apart")
        return self

    @field_validator("functions")
    @classmethod
    def _functions(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for place, name in enumerate(given):
            if name not in ALIASES and name not in FUNCTIONS:
                raise fault_at(f"the lab knows no function {name}{suggestion(name, {**FUNCTIONS, **ALIASES})}", place)
        return given


class SetUpForm(_Form):
    """A call between the deployment and the run."""

    call: str = Field(description="the lab's name of a function, or the contract's")
    args: tuple[Any, ...] = Field(default=(), description="its arguments; a role's name stands for its address")
    as_role: Role = Field(default="owner", alias="as", description="the account that calls")
    first: bool = Field(default=False, description="before the lab adds operators, as an initializer has to be")


class CallForm(_Form):
    """The data of a call, as a proxy's constructor takes it to set its implementation up."""

    call: str = Field(description="the lab's name of a function, or the implementation's")
    args: tuple[Any, ...] = Field(default=(), description="its arguments; a role's name stands for its address")

    @field_validator("call")
    @classmethod
    def _call(cls, given: str) -> str:
        return ALIASES.get(given, given)


class ProxyFile(_Form):
    """The proxy that stands before the contract."""

    contract: str | None = Field(
        default=None, description="source or artifact, as seen from this file; omitted: the minimal proxy of EIP-1167"
    )
    constructor: tuple[CallForm | Any, ...] = Field(
        default=("implementation",),
        description="its arguments; `implementation` stands for the contract's address, {call, args} for a call's data",
    )

    @model_validator(mode="after")
    def _minimal(self) -> Self:
        if self.contract is None and self.constructor != ("implementation",):
            raise ValueError("a minimal proxy takes the implementation alone: set it up by set_up with first: true")
        return self


class ProjectFile(_Form):
    """The file as it is written."""

    contract: str | None = Field(default=None, description="contract under test, as seen from this file")
    relayer_cmd: str | None = Field(default=None, description="command of the relayer under test, run in this folder")
    relayer: DeclaredRelayer = Field(default=DeclaredRelayer(), description="what the bounds of L1 and L2 count on")
    constructor: tuple[Any, ...] = Field(default=(), description="arguments of the contract's constructor")
    proxy: ProxyFile | None = Field(default=None, description="a proxy, whose implementation the contract is")
    set_up: tuple[SetUpForm, ...] = Field(
        default=(), max_length=SET_UP_CALLS_MAX, description="calls before every run, in this order"
    )
    functions: dict[str, str | FunctionForm] = Field(
        default_factory=dict, description="the lab's name: the contract's own, or {name, arguments, returns}"
    )
    events: dict[str, str | EventForm] = Field(
        default_factory=dict, description="the lab's name: the contract's own, or {name, arguments}"
    )
    roles: dict[str, str | RoleForm] = Field(
        default_factory=dict,
        description="operator: the role's name or its hash; others: {role, grant, revoke, functions}",
    )
    reverts: dict[str, str] = Field(default_factory=dict, description="the lab's text: the contract's, or its error's")
    states: dict[str, int | str] = Field(
        default_factory=dict, description="state: number, text, 0x hex or keccak256(TEXT), where it cannot be learnt"
    )
    capabilities: tuple[str, ...] = Field(default=(), description="capabilities that the contract must have")
    defaults: dict[str, int] = Field(default_factory=dict, description="setting: value of a fresh contract")
    limits: Limits = Limits()

    @field_validator("functions")
    @classmethod
    def _functions(cls, given: dict[str, str | FunctionForm]) -> dict[str, str | FunctionForm]:
        _known(given, {**FUNCTIONS, **ALIASES}, "function")
        for name, form in given.items():
            if isinstance(form, FunctionForm):
                _known_arguments(name, form)
                _yes_or_no(name, form)
        return given

    @field_validator("events")
    @classmethod
    def _events(cls, given: dict[str, str | EventForm]) -> dict[str, str | EventForm]:
        documented = EVENTS | EXTRA_EVENTS
        _known(given, documented, "event")
        for name, form in given.items():
            known = {parameter for parameter, _ in documented[name].parameters}
            for argument in form.arguments if isinstance(form, EventForm) else ():
                if argument not in known:
                    text = f"{name} has no argument {argument}{suggestion(argument, known)}"
                    raise fault_at(text, name, "arguments", argument, at_key=True)
        return given

    @field_validator("roles")
    @classmethod
    def _roles(cls, given: dict[str, str | RoleForm]) -> dict[str, str | RoleForm]:
        for name, form in given.items():
            if isinstance(form, str) and name != "operator":
                text = f"the lab knows no role {name} (known: operator); a role of your own is written "
                raise fault_at(f"{text}{{role: NAME, functions: [...]}}", name, at_key=True)
            if isinstance(form, RoleForm) and name in ("operator", "owner"):
                raise fault_at(f"expected the name of a role or its hash, got a mapping for {name}", name)
        return given

    @field_validator("reverts", "states", "defaults")
    @classmethod
    def _keys(cls, given: dict[str, Any], field: ValidationInfo) -> dict[str, Any]:
        known = {"reverts": (REASONS, "revert"), "states": (STATES, "state"), "defaults": (SETTINGS, "setting")}
        _known(given, *known[str(field.field_name)])
        return given

    @field_validator("capabilities")
    @classmethod
    def _capabilities(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for place, name in enumerate(given):
            if name not in NAMES:
                raise fault_at(f"the lab knows no capability {name}{suggestion(name, NAMES)}", place)
        return given


def _yes_or_no(name: str, form: FunctionForm) -> None:
    for key in ("true_for", "true_bits"):
        if getattr(form, key) is not None and FUNCTIONS[ALIASES.get(name, name)].returns != ("bool",):
            raise fault_at(f"{name} is no getter of yes or no", name, key, at_key=True)


def _known(given: dict[str, Any], known: Collection[str], what: str) -> None:
    for key in given:
        if key not in known:
            raise fault_at(f"the lab knows no {what} {key}{suggestion(key, known)}", key, at_key=True)


def _known_arguments(name: str, form: FunctionForm) -> None:
    """Each documented parameter at most once, and none that the documentation does not have."""
    function = ALIASES.get(name, name)
    signature = FUNCTIONS[function]
    for key, given, known in (
        ("arguments", form.arguments, [parameter for parameter, _ in signature.parameters]),
        ("returns", form.returns, list(result_names(function))),
    ):
        seen: set[str] = set()
        for place, argument in enumerate(given or ()):
            if not isinstance(argument, str) or (key == "returns" and argument == "_"):
                continue
            if argument not in known:
                text = f"{function} has no {'argument' if key == 'arguments' else 'result'} {argument}"
                raise fault_at(text + suggestion(argument, known), name, key, place)
            if argument in seen:
                raise fault_at(f"{argument} stands there twice", name, key, place)
            seen.add(argument)
