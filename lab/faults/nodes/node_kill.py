"""The node is killed; healed, it starts again from its state, without its transaction pool."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import restarted
from lab.faults.kind import FaultKind
from lab.faults.nodes.outage import NodeOutage
from lab.faults.spec import OnChain
from lab.model.units import DurationMs


class NodeKill(OnChain):
    """The node is killed. When it is healed it starts again from its state; its transaction pool is lost."""

    example: ClassVar[str] = "fault: node_kill\nchain: ethereum\nrestart_after: 15s"
    passing: ClassVar[tuple[str, ...]] = ("restart_after_ms",)
    takes_chain_down: ClassVar[bool] = True
    exclusive: ClassVar[str] = "stops the node"

    fault: Literal["node_kill"]
    restart_after_ms: DurationMs | None = Field(
        default=None, alias="restart_after", description="start again after this time; omitted: when it is healed"
    )


class NodeKillFault(NodeOutage):
    """SIGKILL, and a fresh process on the same state."""

    def __init__(self, context: FaultContext, fault_id: str, spec: NodeKill) -> None:
        super().__init__(context, fault_id, spec)
        self._restart_after_ms = spec.restart_after_ms
        self._end = context.ending(fault_id, self.heal)

    def inject(self) -> None:
        super().inject()
        if self._restart_after_ms is not None:
            self._scheduler.at(self._scheduler.now_ms + self._restart_after_ms, self._end)


KIND = FaultKind(
    spec=NodeKill,
    activate=NodeKillFault,
    draw=lambda rng, case: restarted("node_kill", rng, case, (3, 45)),
)
