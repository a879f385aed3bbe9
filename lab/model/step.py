"""What every part of a scenario file shares: names, roles, and the keys that all steps have."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from lab.model.contract.capabilities import CapabilityName
from lab.model.frozen import Frozen
from lab.model.units import OffsetMs

Role = Literal["owner", "operator", "operator2", "relayer", "attacker", "user", "newowner"]
ROLES: tuple[str, ...] = get_args(Role)

# Names are parts of file names, too.
_NAME = "[A-Za-z][A-Za-z0-9_-]{0,63}"
NAME_PATTERN = f"^{_NAME}$"
FLOW_OR_LEG_PATTERN = f"^{_NAME}(\\.{_NAME})?$"
REFERENCE_PATTERN = f"^{_NAME}\\.{_NAME}$"


def fault_at(message: str, *at: str | int, at_key: bool = False) -> PydanticCustomError:
    """A validation error that `lab.yamlsource.validate` places at `at`, relative to the value that is judged."""
    return PydanticCustomError("scenario", "{text}", {"text": message, "at": at, "at_key": at_key})


def checked_name(value: str) -> str:
    """The name itself. Raises ValueError for a text of another form."""
    if not re.fullmatch(NAME_PATTERN, value):
        raise ValueError(f"expected a name (a letter, then up to 63 letters, digits, - and _), got '{value}'")
    return value


def _leg_reference(value: str) -> str:
    if not re.fullmatch(REFERENCE_PATTERN, value):
        raise ValueError(f"expected a leg as flow.leg, got '{value}'")
    return value


def _target(value: str) -> str:
    if not re.fullmatch(FLOW_OR_LEG_PATTERN, value):
        raise ValueError(f"expected a flow or a leg as flow.leg, got '{value}'")
    return value


Name = Annotated[str, AfterValidator(checked_name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})]
LegRef = Annotated[
    str, AfterValidator(_leg_reference), WithJsonSchema({"type": "string", "pattern": REFERENCE_PATTERN})
]
FlowOrLegRef = Annotated[
    str, AfterValidator(_target), WithJsonSchema({"type": "string", "pattern": FLOW_OR_LEG_PATTERN})
]


def _argument(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return tuple(_argument(item) for item in value)
    if isinstance(value, (bool, int, str)):
        return value
    got = "a mapping" if isinstance(value, dict) else "nothing" if value is None else value
    raise ValueError(f"expected a whole number, true, false, a text or a list of them, got {got}")


Argument = Annotated[
    Any, BeforeValidator(_argument), WithJsonSchema({"type": ["integer", "boolean", "string", "array"]})
]  # a tuple for a list, else int, bool or str


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


AS_TUPLE = BeforeValidator(_tuple)
"""Strict validation takes a list for a tuple only straight from JSON, not below another validator."""

Arguments = Annotated[
    tuple[Argument, ...],
    AS_TUPLE,
    Field(description="numbers, true, false, 0x values, roles (their addresses), flow.leg (its tx_id), lists of them"),
]


Needs = Annotated[
    tuple[CapabilityName, ...],
    AS_TUPLE,
    Field(description="capabilities of the contract without which this is not exercised"),
]


class Part(Frozen):
    """A mapping of the file; the schema for editors covers its subclasses."""


class StepBase(Part):
    """Keys that every step may carry."""

    kind: ClassVar[str]
    example: ClassVar[str]

    id: Name | None = Field(default=None, description="a name for the step, for heal and matrix")
    at_ms: OffsetMs | None = Field(
        default=None, alias="at", description="when, since the start; omitted: as soon as the step before it is done"
    )
    needs: Needs = ()
    because: str | None = Field(default=None, description="why the file expects this; shown when it does not come true")
