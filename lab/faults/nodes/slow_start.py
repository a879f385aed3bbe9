"""The node is killed, and when it is back it refuses every request for a while."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import restarted
from lab.faults.kind import FaultKind
from lab.faults.nodes.outage import UnwellNode
from lab.faults.spec import OnChain
from lab.faults.transport.policy import Effect, Refusal
from lab.model.units import DurationMs


class SlowStart(OnChain):
    """The node is killed, and when it is back it refuses every request for a while."""

    example: ClassVar[str] = "fault: slow_start\nchain: ethereum\nrestart_after: 5s\nrefuses: 30s"
    passing: ClassVar[tuple[str, ...]] = ("restart_after_ms", "refuses_ms")
    takes_chain_down: ClassVar[bool] = True
    exclusive: ClassVar[str] = "stops the node"

    fault: Literal["slow_start"]
    restart_after_ms: DurationMs = Field(
        default=5_000, alias="restart_after", description="start again after this time"
    )
    refuses_ms: DurationMs = Field(alias="refuses", description="how long it refuses once it has started")


REFUSAL = Refusal(-32000, "node is starting: not ready to serve requests", http_status=503)


class SlowStartFault(UnwellNode):
    """A kill, and then a node that is up and mines, and refuses every request."""

    words = "while it was starting"

    def __init__(self, context: FaultContext, fault_id: str, spec: SlowStart) -> None:
        super().__init__(context, fault_id, spec, spec.restart_after_ms)
        self._refuses_ms = spec.refuses_ms

    def effect(self, method: str) -> Effect:
        self.met += 1
        return Effect(refusal=REFUSAL)

    def on_restart(self) -> None:
        self._scheduler.at(self._scheduler.now_ms + self._refuses_ms, lambda: self._policy.remove(self))


KIND = FaultKind(
    spec=SlowStart,
    activate=SlowStartFault,
    draw=lambda rng, case: restarted("slow_start", rng, case, (1, 20), "refuses"),
)
