"""Shapes of load as a profile declares them: constant, ramp, step, spike, soak, ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from lab.model.units import DurationMs
from lab.traffic import schedule
from lab.traffic.schedule import Segment

TPS_MAX = 1_000_000
Tps = Annotated[float, Field(gt=0, le=TPS_MAX, allow_inf_nan=False)]
WEEK_MS = 7 * 86_400_000
Span = Annotated[DurationMs, Field(ge=1_000, le=WEEK_MS)]
Piece = Annotated[DurationMs, Field(ge=1, le=WEEK_MS)]


class Part(BaseModel):
    """A mapping of a profile: frozen, and every unknown key is an error."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)

    @classmethod
    def recorded(cls, values: Any) -> Self:
        """Read what `model_dump` gave, with its durations in milliseconds. Raises pydantic's ValidationError."""
        return cls.model_validate(with_units(values))

    def changed(self, **updates: Any) -> Self:
        """A copy with other values, validated as a file is. Raises pydantic's ValidationError."""
        return self.recorded({**self.model_dump(), **updates})


def with_units(values: Any) -> Any:
    """Whole numbers of milliseconds and bytes as a profile's file has them: `60000ms`, `64B`."""
    if isinstance(values, BaseModel):
        values = values.model_dump()
    if isinstance(values, (list, tuple)):
        return [with_units(value) for value in values]
    if not isinstance(values, Mapping):
        return values
    return {name: _with_unit(name, value) for name, value in values.items()}


def _with_unit(name: str, value: Any) -> Any:
    if not isinstance(value, int) or isinstance(value, bool):
        return with_units(value)
    return f"{value}ms" if "_ms" in name else f"{value}B" if name == "payload" else value


class _Scalable(Part):
    """A shape of rates and durations, which are named by their units."""

    @property
    def highest_tps(self) -> float:
        """The highest rate."""
        return float(max(value for name, value in self if name.endswith("tps")))

    @property
    def length_ms(self) -> int:
        """From the first to the last moment."""
        return int(getattr(self, "duration_ms", 0))

    def scaled(self, tps: float | None, duration_ms: int | None) -> Self:
        """Another highest rate or length, the same in shape. Raises pydantic's ValidationError."""
        changed: dict[str, float] = {}
        for name, value in self:
            if tps is not None and name.endswith("tps"):
                changed[name] = tps if value == self.highest_tps else value * tps / self.highest_tps
            elif duration_ms is not None and name.endswith("_ms") and value:
                changed[name] = max(1, value * duration_ms // self.length_ms)
        return self.changed(**changed)


class Constant(_Scalable):
    """The same rate throughout."""

    kind: Literal["constant"] = "constant"
    tps: Tps
    duration_ms: Span = Field(alias="duration")

    def segments(self) -> list[Segment]:
        """As a schedule takes them."""
        return schedule.constant(self.tps, self.duration_ms / 1000)


class Soak(_Scalable):
    """The same rate for long; at `restart_at` all nodes, or those in `restart`, are ended and started again."""

    kind: Literal["soak"]
    tps: Tps
    duration_ms: Span = Field(alias="duration")
    restart_at_ms: DurationMs | None = Field(default=None, alias="restart_at")
    restart: tuple[str, ...] = Field(default=(), description="chains; default: all")

    def segments(self) -> list[Segment]:
        """As a schedule takes them."""
        return schedule.constant(self.tps, self.duration_ms / 1000)


class Ramp(_Scalable):
    """A steady rise, then the last rate for `hold`."""

    kind: Literal["ramp"]
    from_tps: Tps
    to_tps: Tps
    duration_ms: Span = Field(alias="duration")
    hold_ms: DurationMs = Field(default=0, alias="hold")

    @property
    def length_ms(self) -> int:
        """Rise and hold."""
        return self.duration_ms + self.hold_ms

    def segments(self) -> list[Segment]:
        """As a schedule takes them."""
        return schedule.ramp(self.from_tps, self.to_tps, self.duration_ms / 1000, self.hold_ms / 1000)


class Step(_Scalable):
    """Plateaus, each higher than the one before."""

    kind: Literal["step"]
    from_tps: Tps
    step_tps: Tps
    steps: int = Field(ge=1, le=200)
    step_duration_ms: Piece = Field(alias="step_duration")

    @property
    def highest_tps(self) -> float:
        """Of the last plateau."""
        return self.from_tps + (self.steps - 1) * self.step_tps

    @property
    def length_ms(self) -> int:
        """All plateaus."""
        return self.steps * self.step_duration_ms

    def segments(self) -> list[Segment]:
        """As a schedule takes them."""
        return schedule.steps(self.from_tps, self.step_tps, self.steps, self.step_duration_ms / 1000)


class Spike(_Scalable):
    """A base rate with one burst in the middle."""

    kind: Literal["spike"]
    base_tps: Tps
    peak_tps: Tps
    duration_ms: Span = Field(alias="duration")
    spike_ms: Piece = Field(alias="spike")

    def segments(self) -> list[Segment]:
        """As a schedule takes them."""
        return schedule.spike(self.base_tps, self.peak_tps, self.duration_ms / 1000, self.spike_ms / 1000)


class AtCeiling(Part):
    """Each network at a share of what its own gas limit allows; the rate follows from the gas that a call takes."""

    kind: Literal["ceiling"]
    share: float = Field(gt=0, le=1.5)
    duration_ms: Span = Field(alias="duration")

    def at(self, tps: float) -> Constant:
        """The shape once the ceilings are known: `tps` is their sum. Raises pydantic's ValidationError."""
        return Constant.recorded({"tps": tps * self.share, "duration_ms": self.duration_ms})

    def segments(self) -> list[Segment]:
        """Raises ValueError: the rate is not known before the nodes are asked."""
        raise ValueError("expected a rate, got a share of a ceiling that is not known yet")

    def scaled(self, tps: float | None, duration_ms: int | None) -> AtCeiling | Constant:
        """With another length; a rate makes it a constant one. Raises pydantic's ValidationError."""
        length_ms = self.duration_ms if duration_ms is None else duration_ms
        if tps is not None:
            return Constant.recorded({"tps": tps, "duration_ms": length_ms})
        return self.changed(duration_ms=length_ms)


Shape = Annotated[Constant | Soak | Ramp | Step | Spike | AtCeiling, Field(discriminator="kind")]
