"""The steps of a timeline, one frozen model per kind. A step is recognised by its kind's key: `buffer: swap`.

What a step does is the business of `lab/runner/steps`; every kind here has its counterpart there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from lab.faults import FAULTS, Fault
from lab.model.step import ROLES, Arguments, FlowOrLegRef, LegRef, Name, Part, Role, StepBase, fault_at
from lab.model.units import DurationMs, duration_ms
from lab.scenario.expectations import Condition, Outcome
from lab.validation import shown, suggestion


class Acting(StepBase):
    """A step that sends a transaction as some role."""

    default_role: ClassVar[Role] = "operator"

    as_role: Role | None = Field(default=None, alias="as", description="who sends it")
    expect: Outcome | None = Field(default=None, description="how the call ends; omitted: ok")


class BufferStep(Acting):
    """Buffers a leg, or all legs of a flow (parents first), on their chains."""

    kind: ClassVar[str] = "buffer"
    example: ClassVar[str] = "at: 0s\nbuffer: swap"

    buffer: FlowOrLegRef = Field(description="a flow, or flow.leg")


class ResolveStep(Acting):
    """Calls resolve_dependency for a leg on its own chain."""

    kind: ClassVar[str] = "resolve"
    example: ClassVar[str] = "resolve: swap.pay\nexpect: {event: TransactionReady}"

    resolve: LegRef = Field(description="flow.leg")


class ExecuteStep(Acting):
    """Calls mark_executed for a leg on its own chain."""

    kind: ClassVar[str] = "execute"
    example: ClassVar[str] = 'execute: swap.pay\nexpect: {revert: "Transaction not ready"}'

    execute: LegRef = Field(description="flow.leg")


class CallSpec(Part):
    """A call of any function of the contract."""

    chain: Name = Field(description="a chain of the file")
    function: Name = Field(description="a function of the contract")
    args: Arguments = ()

    @model_validator(mode="before")
    @classmethod
    def _not_the_steps_keys(cls, value: object) -> object:
        for key in ("as", "expect"):
            if isinstance(value, dict) and key in value:
                raise fault_at(f"'{key}' belongs beside call, not inside it", key, at_key=True)
        return value


class CallStep(Acting):
    """Calls any function of the contract."""

    kind: ClassVar[str] = "call"
    example: ClassVar[str] = (
        "call: {chain: optimism, function: resolve_dependency, args: [swap.settle]}\n"
        'as: attacker\nexpect: {revert: "Not authorized"}'
    )

    call: CallSpec = Field(description="chain, function and arguments")


ADMIN_VALUES: dict[str, str | None] = {
    "pause": None,
    "unpause": None,
    "add_operator": "role",
    "remove_operator": "role",
    "set_window": "duration",
    "set_execution_window": "duration",
    "set_breaker_threshold": "number",
    "propose_owner": "role",
    "accept_ownership": None,
}
"""Each administrative action and what its `value` is."""


class AdminSpec(Part):
    """An administrative action. `value` is a role or address, whole seconds, or a number, as the action needs it."""

    chain: Name = Field(description="a chain of the file")
    action: Literal[
        "pause",
        "unpause",
        "add_operator",
        "remove_operator",
        "set_window",
        "set_execution_window",
        "set_breaker_threshold",
        "propose_owner",
        "accept_ownership",
    ] = Field(description="what to do")
    value: Annotated[Any, WithJsonSchema({"type": ["string", "integer"]})] = Field(
        default=None, description="a role for operators and owners, a duration for windows, a number for the threshold"
    )

    @model_validator(mode="before")
    @classmethod
    def _value_fits_action(cls, given: object) -> object:
        if not isinstance(given, dict) or not isinstance(given.get("action"), str):
            return given
        expected = ADMIN_VALUES.get(given["action"])
        if given["action"] not in ADMIN_VALUES:
            return given
        if expected is None:
            if "value" in given:
                raise fault_at(f"{given['action']} takes no value: remove it", "value", at_key=True)
            return given
        if "value" not in given:
            raise fault_at(f"{given['action']} needs a value: a {expected}")
        return {**given, "value": _admin_value(expected, given["value"])}


def _admin_value(expected: str, value: object) -> object:
    if expected == "role":
        if isinstance(value, str) and (value in ROLES or re.fullmatch("0x[0-9a-fA-F]{40}", value)):
            return value
        hint = suggestion(value, ROLES) if isinstance(value, str) else f" (known: {', '.join(ROLES)})"
        raise fault_at(f"expected a role or an address, got {shown(value)}{hint}", "value")
    if expected == "number":
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**256:
            return value
        raise fault_at(f"expected a whole number of at least 0, got {shown(value)}", "value")
    try:
        milliseconds = duration_ms(value)
    except ValueError as error:
        raise fault_at(str(error), "value") from None
    if milliseconds % 1000:
        raise fault_at(f"expected whole seconds (the contract counts seconds), got {value}", "value")
    return milliseconds // 1000


class AdminStep(Acting):
    """Calls one of the contract's administrative functions."""

    kind: ClassVar[str] = "admin"
    example: ClassVar[str] = "admin: {chain: optimism, action: set_window, value: 60s}"
    default_role: ClassVar[Role] = "owner"

    admin: AdminSpec = Field(description="chain, action and value")


class HealStep(StepBase):
    """Ends a fault that an earlier step started."""

    kind: ClassVar[str] = "heal"
    example: ClassVar[str] = "heal: slow-rpc"

    heal: Name = Field(description="the id of the step that started the fault")


class WaitStep(StepBase):
    """Lets time pass."""

    kind: ClassVar[str] = "wait"
    example: ClassVar[str] = "wait: 30s"

    wait_ms: DurationMs = Field(alias="wait", description="how long")


class UntilStep(StepBase):
    """Waits until a condition holds; if it does not in time, the expectation is not met."""

    kind: ClassVar[str] = "until"
    example: ClassVar[str] = "until: {leg: swap.pay, state: READY}\nwithin: 2m"

    until: Condition = Field(description="a state of a leg, or what a view function returns")
    within_ms: DurationMs = Field(alias="within", description="the longest time to wait")

    @model_validator(mode="before")
    @classmethod
    def _needs_a_deadline(cls, value: object) -> object:
        if isinstance(value, dict) and "within" not in value:
            raise fault_at("until needs a deadline: add `within: 2m` beside it", "until", at_key=True)
        return value


class ExpectStep(StepBase):
    """Expects a condition: now, at the latest after `within`, or without a break for `hold`."""

    kind: ClassVar[str] = "expect"
    example: ClassVar[str] = (
        "expect: {leg: swap.settle, state: EXPIRED}\nwithin: 5m\n"
        "because: its parent never came back before the window closed"
    )

    expect: Condition = Field(description="a state of a leg, or what a view function returns")
    within_ms: DurationMs | None = Field(default=None, alias="within", description="it must come true within this time")
    hold_ms: DurationMs | None = Field(default=None, alias="hold", description="it must then stay true for this long")


class RelayerStep(StepBase):
    """Stops or starts the relayer cleanly. The crash is the fault relayer_kill."""

    kind: ClassVar[str] = "relayer"
    example: ClassVar[str] = "relayer: stop"

    relayer: Literal["stop", "start"] = Field(description="stop or start")


STEPS: dict[str, type[StepBase]] = {
    "buffer": BufferStep,
    "resolve": ResolveStep,
    "execute": ExecuteStep,
    "call": CallStep,
    "admin": AdminStep,
    "fault": Fault,
    "heal": HealStep,
    "wait": WaitStep,
    "until": UntilStep,
    "expect": ExpectStep,
    "relayer": RelayerStep,
}


def kinds_of(step: dict[str, Any]) -> list[str]:
    """The kind keys in a step as written. `expect` beside another kind is that step's outcome."""
    kinds = [key for key in step if key in STEPS]
    return [kind for kind in kinds if kind != "expect"] if len(kinds) > 1 else kinds


def _check_step(value: object) -> object:
    if not isinstance(value, dict):
        raise fault_at(f"expected a step (a mapping such as `buffer: swap`), got {shown(value)}")
    kinds = kinds_of(value)
    if len(kinds) > 1:
        text = f"expected one step, got {' and '.join(kinds)}: begin each with its own `-`"
        raise fault_at(text, kinds[1], at_key=True)
    if not kinds:
        common = {"id", "at", "because", "as", "within", "hold", "for", "chain"}
        odd = next((key for key in value if key not in common), None)
        if odd is None:
            raise fault_at(f"expected one of {', '.join(STEPS)} in the step")
        raise fault_at(f"unknown step '{odd}'{suggestion(odd, STEPS)}", odd, at_key=True)
    if kinds == ["fault"]:
        fault = value["fault"]
        if not isinstance(fault, str):
            raise fault_at(f"expected the kind of a fault, got {shown(fault)}: parameters stand beside fault", "fault")
        if fault not in FAULTS:
            raise fault_at(f"unknown fault '{fault}'{suggestion(fault, FAULTS)}", "fault")
    return value


def _step_tag(value: object) -> str | None:
    if isinstance(value, dict):
        kind = kinds_of(value)[0]
        return f"fault:{value['fault']}" if kind == "fault" else f"step:{kind}"
    return f"fault:{value.fault}" if isinstance(value, Fault) else f"step:{getattr(value, 'kind', None)}"


# Built from the registries, so that a step or a fault is added in one place. To the type checker it is the base class.
if TYPE_CHECKING:
    AnyStep = StepBase
else:
    _MEMBERS = [Annotated[step, Tag(f"step:{kind}")] for kind, step in STEPS.items() if kind != "fault"]
    _MEMBERS += [Annotated[fault.spec, Tag(f"fault:{kind}")] for kind, fault in FAULTS.items()]
    _UNION = Union[tuple(_MEMBERS)]  # noqa: UP007 (the members are known only at run time)
    AnyStep = Annotated[_UNION, Discriminator(_step_tag), BeforeValidator(_check_step)]
