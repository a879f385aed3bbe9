"""The relayer is killed without a chance to clean up; healed, it starts again on the store it left."""

from __future__ import annotations

import random
from typing import Any, ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, at_a_leg, lasting_ms, seconds
from lab.faults.kind import FaultKind
from lab.faults.relayers.control import relayer_of
from lab.faults.spec import LastingFault
from lab.model.step import Name
from lab.model.units import DurationMs

WATCH_MS = 100
# The commit points of the reference relayer that the swarm draws.
POINTS = ("after_scan", "after_intent", "before_send", "after_send", "after_receipt", "before_checkpoint")


class RelayerKill(LastingFault):
    """The relayer is killed without a chance to clean up."""

    example: ClassVar[str] = "fault: relayer_kill\nrestart_after: 10s"
    recorded_elsewhere: ClassVar[bool] = True
    passing: ClassVar[tuple[str, ...]] = ("restart_after_ms",)

    fault: Literal["relayer_kill"]
    point: Name | None = Field(default=None, description="kill at this commit point of the relayer; omitted: at once")
    restart_after_ms: DurationMs | None = Field(
        default=None, alias="restart_after", description="start again after this time; omitted: when it is healed"
    )

    def unsupported(self, *, own_relayer: bool) -> str | None:
        """Only the virtual clock can stop a relayer inside of what it does."""
        if self.point is None:
            return None
        return (
            f"kills the relayer at a point inside of it ({self.point}), which needs the virtual clock; "
            "under the real clock leave `point` out"
        )


class RelayerKillFault:
    """At once, or when the relayer reaches a named commit point. Activations: deaths."""

    def __init__(self, context: FaultContext, fault_id: str, spec: RelayerKill) -> None:
        self._relayer = relayer_of(context, fault_id, spec.fault)
        self._scheduler = context.scheduler
        self._spec = spec
        self._end = context.ending(fault_id, self.heal)
        self._deaths_before = 0
        self._healed = False

    @property
    def activations(self) -> int:
        return self._relayer.deaths - self._deaths_before

    @property
    def proof(self) -> str:
        where = f"at {self._spec.point}" if self._spec.point else "at once"
        return f"killed {where}" if self.activations else f"not killed: {self._spec.point} was never reached"

    def inject(self) -> None:
        self._deaths_before = self._relayer.deaths
        if self._spec.point is None:
            self._relayer.kill()
        else:
            self._relayer.kill_at(self._spec.point)
        if self._spec.restart_after_ms is not None:
            self._watch()

    def heal(self) -> None:
        if not self._healed:
            self._healed = True
            self._relayer.cancel_kill()
            self._relayer.start()

    def _watch(self) -> None:
        """The time to the restart counts from the death, which may be still to come."""
        if self._healed:
            return
        if self.activations:
            self._scheduler.at(self._scheduler.now_ms + (self._spec.restart_after_ms or 0), self._end)
        else:
            self._scheduler.at(self._scheduler.now_ms + WATCH_MS, self._watch)


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """At once or at a commit point; one a case, since a point may be reached late."""
    _, _, begin_ms = at_a_leg(rng, context)
    step: dict[str, Any] = {"at": seconds(begin_ms), "fault": "relayer_kill"}
    if rng.random() < 0.7:
        step["point"] = rng.choice(POINTS)
    step["restart_after"] = seconds(lasting_ms(rng, 1, 40))
    return DrawnFault(step, begin_ms, begin_ms, "relayer", alone=True)


KIND = FaultKind(spec=RelayerKill, activate=RelayerKillFault, draw=draw)
