"""Quantities as people write them, `30s`, `64B`, `30 gwei`, and the whole numbers that the lab computes with.

The annotated types are for pydantic models; the functions raise ValueError with the units that are allowed.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

DURATION_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
SIZE_UNITS_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024 * 1024}
WEI_UNITS = {"wei": 1, "gwei": 10**9, "ether": 10**18}

_NUMBER = r"([0-9]{1,18}(?:\.[0-9]{1,18})?)"
_QUANTITY = re.compile(_NUMBER + r"\s*([A-Za-z]*)")


def duration_ms(value: object) -> int:
    """`250ms`, `30s`, `1.5m`, `2h` as milliseconds."""
    return _quantity(value, DURATION_UNITS_MS, "a duration", "30s", "milliseconds")


def offset_ms(value: object) -> int:
    """A duration since the start, with or without a leading plus: `+30s`, `0s`."""
    return duration_ms(value[1:] if isinstance(value, str) and value.startswith("+") else value)


def size_bytes(value: object) -> int:
    """`64B`, `1KiB`, `2MiB` as bytes."""
    return _quantity(value, SIZE_UNITS_BYTES, "a size", "64B", "bytes")


def wei(value: object) -> int:
    """A whole number of wei, or a text with unit: `5000000 wei`, `30 gwei`, `0.1 ether`."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError(f"expected an amount of at least 0, got {value}")
        return value
    return _quantity(value, WEI_UNITS, "an amount", "30 gwei", "wei")


def format_duration(duration: int) -> str:
    """Milliseconds in the largest unit that divides them: 90000 is `90s`, 120000 is `2m`."""
    for unit in ("h", "m", "s"):
        if duration and duration % DURATION_UNITS_MS[unit] == 0:
            return f"{duration // DURATION_UNITS_MS[unit]}{unit}"
    return f"{duration}ms" if duration else "0s"


def _quantity(value: object, units: dict[str, int], noun: str, example: str, smallest: str) -> int:
    allowed = ", ".join(units)
    expected = f"expected {noun} such as {example} (units: {allowed})"
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"{expected}, got {_shown(value)}")
    match = _QUANTITY.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{expected}, got '{_shown(value)}'")
    number, unit = match.groups()
    if not unit:
        raise ValueError(f"{expected}, got {value} without a unit")
    if unit not in units:
        close = next((known for known in units if known.lower() == unit.lower()), None)
        hint = f" (did you mean {close}?)" if close else ""
        raise ValueError(f"{expected}, got the unit '{unit}'{hint}")
    exact = Decimal(number) * units[unit]
    if exact != int(exact):
        raise ValueError(f"expected a whole number of {smallest}, got {value}")
    return int(exact)


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "a mapping" if isinstance(value, dict) else str(value)[:60]


def _schema(prefix: str, units: dict[str, int], examples: list[str], **more: Any) -> dict[str, Any]:
    pattern = f"^{prefix}[0-9]+(\\.[0-9]+)? *({'|'.join(units)})$"
    return {"type": "string", "pattern": pattern, "examples": examples, **more}


DurationMs = Annotated[
    int, Field(ge=0), BeforeValidator(duration_ms), WithJsonSchema(_schema("", DURATION_UNITS_MS, ["250ms", "30s"]))
]
OffsetMs = Annotated[
    int, Field(ge=0), BeforeValidator(offset_ms), WithJsonSchema(_schema("\\+?", DURATION_UNITS_MS, ["0s", "+30s"]))
]
SizeBytes = Annotated[
    int, Field(ge=0), BeforeValidator(size_bytes), WithJsonSchema(_schema("", SIZE_UNITS_BYTES, ["64B", "1KiB"]))
]
Wei = Annotated[
    int,
    Field(ge=0),
    BeforeValidator(wei),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, _schema("", WEI_UNITS, ["30 gwei", "5000000 wei"])]}),
]
