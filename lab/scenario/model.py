"""A scenario file as a whole: the truth about what may stand in it. Meaning is given by `resolve`, sense by `lint`."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from lab.model.chain.finality import Finality
from lab.model.step import ENDPOINTS_MAX, FLOW_OR_LEG_PATTERN, LegRef, Name, Needs, Part, fault_at
from lab.model.units import DurationMs, OffsetMs, duration_ms, format_duration, size_bytes
from lab.scenario.steps import AnyStep
from lab.validation import shown, suggestion

PAYLOAD_LIMIT_BYTES = 513
"""One more than the contract takes, so that a scenario can show that it refuses it."""

_PAYLOAD = "^([0-9]+ *(B|KiB)|0x([0-9a-fA-F]{2})*)$"
_WINDOW = "^[0-9]+(\\.[0-9]+)? *(ms|s|m)$"
_ROW = "[A-Z]{2,4}-[0-9]{2,5}"


def _payload(value: object) -> int | str:
    if isinstance(value, str) and value.startswith("0x"):
        if not re.fullmatch("0x([0-9a-fA-F]{2})*", value):
            raise ValueError("expected hex digits in pairs after 0x")
        size = len(value) // 2 - 1
    else:
        size = size_bytes(value)
    if size > PAYLOAD_LIMIT_BYTES:
        raise ValueError(f"expected at most {PAYLOAD_LIMIT_BYTES} bytes (the contract takes 512), got {size}")
    return value.lower() if isinstance(value, str) and value.startswith("0x") else size


def _single_parent(value: object) -> object:
    if isinstance(value, (list, tuple)):
        names = [str(item) for item in value]
        ladder = ", then ".join(f"{child} after {parent}" for parent, child in pairwise(names))
        ladder = f": order the parents as a ladder ({ladder}, and this leg after {names[-1]})" if ladder else ""
        raise ValueError(f"expected one leg: the contract stores one dependency per transaction{ladder}")
    return value


def _after(value: str) -> str:
    if not re.fullmatch(FLOW_OR_LEG_PATTERN, value):
        raise ValueError(f"expected a leg of this flow, or other_flow.leg, got '{value}'")
    return value


def _relayer(value: object) -> object:
    if value == "reference":
        return {}
    if value == "none":
        return None
    if isinstance(value, (dict, RelayerOptions)):
        return value
    hint = suggestion(value, ("reference", "none")) if isinstance(value, str) else ""
    raise fault_at(f"expected reference, none, or a mapping with poll and execution_order, got {shown(value)}{hint}")


def _window(value: object) -> int:
    window = duration_ms(value)
    if window % 1000:
        raise ValueError(f"expected whole seconds (the contract counts seconds), got {value}")
    if not 5_000 <= window <= 300_000:
        raise ValueError(f"expected a window between 5s and 300s (the contract refuses others), got {value}")
    return window


def _between(low: str, high: str) -> AfterValidator:
    def check(value: int) -> int:
        if not duration_ms(low) <= value <= duration_ms(high):
            raise ValueError(f"expected a time between {low} and {high}, got {format_duration(value)}")
        return value

    return AfterValidator(check)


def _whole_seconds(value: int) -> int:
    if value % 1000:
        raise ValueError("expected whole seconds (the contract's timestamps count seconds)")
    return value


def _row(value: str) -> str:
    if not re.fullmatch(_ROW, value):
        raise ValueError(f"expected the id of a checklist row such as XCB-04, got '{value}'")
    return value


def _empty_mapping(value: object) -> object:
    return {} if value is None else value


class NetworkUse(Part):
    """One chain of the scenario."""

    profile: str | None = Field(
        default=None, min_length=1, description="a network's name or the path of a profile; omitted: the chain's name"
    )
    finality: Finality | None = Field(default=None, description="instead of the profile's own finality")
    endpoints: int = Field(
        default=1, ge=1, le=ENDPOINTS_MAX, description="how many RPC endpoints the relayer has for this chain"
    )


class LegUse(Part):
    """One transaction of a flow."""

    chain: Name = Field(description="the chain it is buffered on")
    at_ms: Annotated[OffsetMs, AfterValidator(_whole_seconds)] = Field(
        alias="at", description="the contract timestamp, since the start"
    )
    payload: Annotated[
        int | str,
        BeforeValidator(_payload),
        WithJsonSchema({"type": "string", "pattern": _PAYLOAD, "examples": ["64B", "0x00ff"]}),
    ] = Field(default=64, description="size (content comes from the seed) or 0x bytes, at most 513 bytes")
    after: Annotated[str, AfterValidator(_after), BeforeValidator(_single_parent)] | None = Field(
        default=None, description="the parent: a leg of this flow, or other_flow.leg"
    )
    tx_id: LegRef | None = Field(
        default=None, description="a leg on another chain whose id this one shares, as flow.leg; omitted: its own"
    )
    target: Name | None = Field(
        default=None, description="the target chain; omitted: that of the first child elsewhere, else the next network"
    )


class RelayerOptions(Part):
    """Settings of the reference relayer."""

    poll_ms: Annotated[DurationMs, _between("100ms", "10m")] = Field(
        default=2000, alias="poll", description="time between two looks at the chains"
    )
    execution_order: Literal["ready", "executed"] = Field(
        default="ready", description="the state of the parent that a child's execution needs"
    )


class ScenarioFile(Part):
    """A scenario of the Tesseract Lab."""

    name: str = Field(min_length=1, max_length=200, description="what is shown, as a sentence")
    description: str = Field(min_length=1, description="why the case matters and what should happen")
    rows: tuple[
        Annotated[str, AfterValidator(_row), WithJsonSchema({"type": "string", "pattern": f"^{_ROW}$"})], ...
    ] = Field(default=(), description="rows of the readiness checklist that this evidence serves")
    needs: Needs = ()
    networks: dict[
        Name,
        Annotated[NetworkUse, BeforeValidator(_empty_mapping, json_schema_input_type=NetworkUse | None)],
    ] = Field(min_length=1, description="the chains: name -> profile and finality")
    clock: Literal["virtual", "real"] = Field(default="virtual", description="simulated or wall time")
    seed: int = Field(default=1, ge=0, lt=2**63, description="the source of everything random")
    timeout_ms: Annotated[DurationMs, _between("1s", "24h")] = Field(
        default=600_000, alias="timeout", description="the run ends after this time"
    )
    window_ms: Annotated[
        int, BeforeValidator(_window), WithJsonSchema({"type": "string", "pattern": _WINDOW, "examples": ["30s"]})
    ] = Field(default=30_000, alias="window", description="coordination window set before the start, 5s to 300s")
    relayer: Annotated[
        RelayerOptions | None,
        BeforeValidator(_relayer, json_schema_input_type=Literal["reference", "none"] | RelayerOptions),
    ] = Field(default_factory=RelayerOptions, description="reference, none, or the reference with settings")
    monitor: bool = Field(default=False, description="let the alerts of `lab monitor` watch the run")
    flows: dict[Name, dict[Name, LegUse]] = Field(default_factory=dict, description="flow -> leg -> transaction")
    timeline: tuple[AnyStep, ...] = Field(min_length=1, description="what happens, in order")
    checks: tuple[str, ...] = Field(default=("default",), description="default, NAME to add, -NAME to remove")
    matrix: dict[
        str,
        Annotated[
            tuple[Any, ...],
            Field(min_length=1),
            WithJsonSchema({"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}}),
        ],
    ] = Field(
        default_factory=dict,
        description="one run for each combination of STEP.param, FLOW.LEG.param, NETWORK.finality.blocks, seed, window",
    )
