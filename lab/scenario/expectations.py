"""What a scenario may expect: conditions that stand alone, and outcomes of a step that calls the contract."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from lab.model.step import Argument, Arguments, LegRef, Name, Part, fault_at
from lab.model.units import DurationMs
from lab.monitor.alerting.alerts import alerts
from lab.monitor.alerting.limits import Thresholds
from lab.validation import shown, suggestion

StateName = Literal["EMPTY", "BUFFERED", "READY", "EXECUTED", "EXPIRED"]

# Of those that wake nobody only the one of a maintenance is worth expecting.
ALERT_NAMES = tuple(alert.name for alert in alerts(Thresholds()) if alert.severity != "none" or alert.row == "ALR-06")


class StateExpectation(Part):
    """The state of a leg's transaction on its own chain.

    EXPIRED also matches BUFFERED past its window on a contract that has no such state.
    """

    example: ClassVar[str] = "{leg: swap.settle, state: EXPIRED}"

    leg: LegRef = Field(description="flow.leg")
    state: StateName = Field(description="the state that is expected")


class ReturnExpectation(Part):
    """What a view function of the contract returns."""

    example: ClassVar[str] = "{chain: optimism, function: transaction_count, returns: 2}"

    chain: Name = Field(description="a chain of the file")
    function: Name = Field(description="a view function of the contract")
    args: Arguments = ()
    returns: Argument = Field(description="the value that is expected; a list for several")


class LatencyExpectation(Part):
    """How long a leg took, from block to block on the canonical chains.

    `to_ready` and `to_executed` count from the block that buffered it, `cross_chain` from the parent's READY on its own
    chain to this leg's execution.
    """

    example: ClassVar[str] = "{leg: swap.settle, latency: cross_chain, below: 90s}"

    leg: LegRef = Field(description="flow.leg")
    latency: Literal["to_ready", "to_executed", "cross_chain"] = Field(description="from where to where")
    below_ms: DurationMs = Field(alias="below", gt=0, description="it took less than this")


class AlertExpectation(Part):
    """An alert of `lab monitor` is firing on a run with `monitor: true`; with `no_alerts`, none has fired so far."""

    example: ClassVar[str] = "{alert: ChainDown, chain: base}"
    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["alert"]}, {"required": ["no_alerts"]}]})

    alert: str | None = Field(default=None, description="the alert's name", json_schema_extra={"enum": [*ALERT_NAMES]})
    chain: Name | None = Field(default=None, description="the chain that it names; omitted: any")
    state: Literal["firing", "resolved"] = Field(default="firing", description="resolved: it fired, and ended")
    no_alerts: Literal[True] | None = Field(default=None, description="no alert that would wake somebody")

    @model_validator(mode="after")
    def _one_of_both(self) -> AlertExpectation:
        if (self.alert is None) == (self.no_alerts is None):
            raise ValueError("expected either alert, with its chain, or no_alerts: true")
        if self.alert is not None and self.alert not in ALERT_NAMES:
            raise fault_at(f"expected an alert, got '{self.alert}'{suggestion(self.alert, ALERT_NAMES)}", "alert")
        return self


class RevertOutcome(Part):
    """The call reverts, and the reason holds this text."""

    example: ClassVar[str] = '{revert: "Not authorized"}'

    revert: str = Field(min_length=1, description="part of the revert reason")


class EventOutcome(Part):
    """The call succeeds and the contract emits this event."""

    example: ClassVar[str] = '{event: TransactionFailed, reason: "Dependencies not satisfied"}'

    event: Name = Field(description="the event's name")
    reason: str | None = Field(default=None, description="the event's `reason` argument")


EXPECTATIONS: dict[
    str,
    type[StateExpectation] | type[ReturnExpectation] | type[LatencyExpectation] | type[AlertExpectation],
] = {
    "state": StateExpectation,
    "returns": ReturnExpectation,
    "latency": LatencyExpectation,
    "alert": AlertExpectation,
}
OUTCOMES: dict[str, type[RevertOutcome] | type[EventOutcome]] = {"revert": RevertOutcome, "event": EventOutcome}
OUTCOME_WORDS = {"ok": "the call succeeds (the default)", "fail": "the call reverts, for whatever reason"}


def _one_kind(value: dict[str, object], kinds: tuple[str, ...]) -> None:
    """An expectation is of one kind: of two at once, the keys of one would be called unknown to the other."""
    given = [key for key in value if key in kinds]
    if len(given) > 1:
        text = f"expected one of {', '.join(kinds)}, got {' and '.join(given)}: write a step for each"
        raise fault_at(text, given[1], at_key=True)


def _check_condition(value: object) -> object:
    if not isinstance(value, dict):
        raise fault_at(
            f"expected a mapping such as {StateExpectation.example} or {ReturnExpectation.example}, got {shown(value)}"
        )
    for word in OUTCOMES:
        if word in value:
            text = f"'{word}' is an outcome of a call: put this expect into the step that calls"
            raise fault_at(text, word, at_key=True)
    # An alert has a state of its own.
    _one_kind(value, ("alert", "latency", "returns") if "alert" in value else ("state", "latency", "returns"))
    if _condition_tag(value) is None:
        keys = ("leg", "state", "latency", "below", "chain", "function", "args", "returns", "alert", "no_alerts")
        first = next(iter(value), None)
        if first is None:
            raise fault_at(f"expected {StateExpectation.example} or {ReturnExpectation.example}, got an empty mapping")
        raise fault_at(f"unknown key '{first}'{suggestion(first, keys)}", first, at_key=True)
    return value


def _condition_tag(value: object) -> str | None:
    if not isinstance(value, dict):
        return next((f"expect:{name}" for name, model in EXPECTATIONS.items() if isinstance(value, model)), None)
    keys = set(value)
    if keys & {"alert", "no_alerts"}:
        return "expect:alert"
    if keys & {"latency", "below"}:
        return "expect:latency"
    if keys & {"leg", "state"}:
        return "expect:state"
    return "expect:returns" if keys & {"chain", "function", "returns", "args"} else None


Condition = Annotated[
    Annotated[StateExpectation, Tag("expect:state")]
    | Annotated[ReturnExpectation, Tag("expect:returns")]
    | Annotated[LatencyExpectation, Tag("expect:latency")]
    | Annotated[AlertExpectation, Tag("expect:alert")],
    Discriminator(_condition_tag),
    BeforeValidator(_check_condition),
]


def _check_outcome(value: object) -> object:
    options = f"ok, fail, {RevertOutcome.example} or {EventOutcome.example}"
    if isinstance(value, str) and value not in OUTCOME_WORDS:
        raise fault_at(f"expected {options}, got '{value}'{suggestion(value, OUTCOME_WORDS)}")
    if isinstance(value, dict) and not set(value) & set(OUTCOMES):
        first = next(iter(value), None)
        if first is None:
            raise fault_at(f"expected {options}, got an empty mapping")
        if first in ("leg", "state", "returns", "function", "chain"):
            raise fault_at("a condition is a step of its own: begin a new `- expect:` for it", first, at_key=True)
        raise fault_at(f"unknown key '{first}'{suggestion(first, OUTCOMES)}", first, at_key=True)
    if isinstance(value, dict):
        _one_kind(value, tuple(OUTCOMES))
    if not isinstance(value, (str, dict, RevertOutcome, EventOutcome)):
        raise fault_at(f"expected {options}, got {shown(value)}")
    return value


def _outcome_tag(value: object) -> str:
    if isinstance(value, str):
        return "outcome:word"
    event = "event" in value if isinstance(value, dict) else isinstance(value, EventOutcome)
    return "outcome:event" if event else "outcome:revert"


Outcome = Annotated[
    Annotated[Literal["ok", "fail"], Tag("outcome:word")]
    | Annotated[RevertOutcome, Tag("outcome:revert")]
    | Annotated[EventOutcome, Tag("outcome:event")],
    Discriminator(_outcome_tag),
    BeforeValidator(_check_outcome),
]
