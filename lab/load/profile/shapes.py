"""Shapes of load as a profile declares them: constant, ramp, step, spike, soak, ceiling."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lab.model.units import DurationMs
from lab.traffic import schedule
from lab.traffic.schedule import Segment

Tps = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Span = Annotated[DurationMs, Field(ge=1_000, le=86_400_000)]


class Part(BaseModel):
    """A mapping of a profile: frozen, and every unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Constant(Part):
    """The same rate throughout."""

    kind: Literal["constant"]
    tps: Tps
    duration_ms: Span = Field(alias="duration")

    def segments(self) -> list[Segment]:
        """As a schedule takes them."""
        return schedule.constant(self.tps, self.duration_ms / 1000)

    def scaled(self, tps: float | None, duration_ms: int | None) -> Constant:
        """With another peak rate or length."""
        return self.model_copy(update=_given(tps=tps, duration_ms=duration_ms))


class Soak(Part):
    """The same rate for long; with `restart_at` the nodes are ended and started again once."""

    kind: Literal["soak"]
    tps: Tps
    duration_ms: Span = Field(alias="duration")
    restart_at_ms: DurationMs | None = Field(default=None, alias="restart_at")

    def segments(self) -> list[Segment]:
        """As a schedule takes them."""
        return schedule.constant(self.tps, self.duration_ms / 1000)

    def scaled(self, tps: float | None, duration_ms: int | None) -> Soak:
        """With another rate or length; the restart keeps its place in it."""
        factor = 1 if duration_ms is None else duration_ms / self.duration_ms
        restart = None if self.restart_at_ms is None else round(self.restart_at_ms * factor)
        return self.model_copy(update={**_given(tps=tps, duration_ms=duration_ms), "restart_at_ms": restart})


class Ramp(Part):
    """A steady rise, then the last rate for `hold`."""

    kind: Literal["ramp"]
    from_tps: Tps
    to_tps: Tps
    duration_ms: Span = Field(alias="duration")
    hold_ms: DurationMs = Field(default=0, alias="hold")

    def segments(self) -> list[Segment]:
        """As a schedule takes them."""
        return schedule.ramp(self.from_tps, self.to_tps, self.duration_ms / 1000, self.hold_ms / 1000)

    def scaled(self, tps: float | None, duration_ms: int | None) -> Ramp:
        """With another highest rate or length, the same in shape."""
        rate = 1 if tps is None else tps / max(self.from_tps, self.to_tps)
        time = 1 if duration_ms is None else duration_ms / (self.duration_ms + self.hold_ms)
        return self.model_copy(
            update={
                "from_tps": self.from_tps * rate,
                "to_tps": self.to_tps * rate,
                "duration_ms": round(self.duration_ms * time),
                "hold_ms": round(self.hold_ms * time),
            }
        )


class Step(Part):
    """Plateaus, each higher than the one before."""

    kind: Literal["step"]
    from_tps: Tps
    step_tps: Tps
    steps: int = Field(ge=1, le=200)
    step_duration_ms: Span = Field(alias="step_duration")

    def segments(self) -> list[Segment]:
        """As a schedule takes them."""
        return schedule.steps(self.from_tps, self.step_tps, self.steps, self.step_duration_ms / 1000)

    def scaled(self, tps: float | None, duration_ms: int | None) -> Step:
        """With another highest rate or whole length, the same in shape."""
        rate = 1 if tps is None else tps / (self.from_tps + (self.steps - 1) * self.step_tps)
        step_ms = self.step_duration_ms if duration_ms is None else max(1, duration_ms // self.steps)
        return self.model_copy(
            update={"from_tps": self.from_tps * rate, "step_tps": self.step_tps * rate, "step_duration_ms": step_ms}
        )


class Spike(Part):
    """A base rate with one burst in the middle."""

    kind: Literal["spike"]
    base_tps: Tps
    peak_tps: Tps
    duration_ms: Span = Field(alias="duration")
    spike_ms: Span = Field(alias="spike")

    def segments(self) -> list[Segment]:
        """As a schedule takes them."""
        return schedule.spike(self.base_tps, self.peak_tps, self.duration_ms / 1000, self.spike_ms / 1000)

    def scaled(self, tps: float | None, duration_ms: int | None) -> Spike:
        """With another peak or length, the same in shape."""
        rate = 1 if tps is None else tps / self.peak_tps
        time = 1 if duration_ms is None else duration_ms / self.duration_ms
        return self.model_copy(
            update={
                "base_tps": self.base_tps * rate,
                "peak_tps": self.peak_tps * rate,
                "duration_ms": round(self.duration_ms * time),
                "spike_ms": round(self.spike_ms * time),
            }
        )


class AtCeiling(Part):
    """Each network at a share of what its own gas limit allows; the rate follows from the gas that a call takes."""

    kind: Literal["ceiling"]
    share: float = Field(gt=0, le=1.5)
    duration_ms: Span = Field(alias="duration")

    def at(self, tps: float) -> Constant:
        """The shape once the ceilings are known: `tps` is their sum."""
        return Constant.model_construct(kind="constant", tps=tps * self.share, duration_ms=self.duration_ms)

    def segments(self) -> list[Segment]:
        """Raises ValueError: the rate is not known before the nodes are asked."""
        raise ValueError("expected a rate, got a share of a ceiling that is not known yet")

    def scaled(self, tps: float | None, duration_ms: int | None) -> AtCeiling | Constant:
        """With another length; a rate makes it a constant one."""
        length = self.duration_ms if duration_ms is None else duration_ms
        if tps is not None:
            return Constant.model_construct(kind="constant", tps=tps, duration_ms=length)
        return self.model_copy(update={"duration_ms": length})


Shape = Annotated[Constant | Soak | Ramp | Step | Spike | AtCeiling, Field(discriminator="kind")]


def _given(**values: float | None) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}
