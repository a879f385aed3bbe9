"""The node is killed; healed, it starts again from its state, without its transaction pool."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import REST_MS, DrawContext, DrawnFault, at_a_leg, lasting_ms, seconds
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain
from lab.model.units import DurationMs


class NodeKill(OnChain):
    """The node is killed. When it is healed it starts again from its state; its transaction pool is lost."""

    example: ClassVar[str] = "fault: node_kill\nchain: ethereum\nrestart_after: 15s"
    passing: ClassVar[tuple[str, ...]] = ("restart_after_ms",)

    fault: Literal["node_kill"]
    restart_after_ms: DurationMs | None = Field(
        default=None, alias="restart_after", description="start again after this time; omitted: when it is healed"
    )

    @property
    def takes_chain_down(self) -> bool:
        """Always."""
        return True


class NodeKillFault:
    """SIGKILL and a fresh process on the same state. Activations: requests refused and slots that passed without a block."""

    def __init__(self, context: FaultContext, fault_id: str, spec: NodeKill) -> None:
        self._chain = context.chains[spec.chain]
        self._scheduler = context.scheduler
        self._restart_after_ms = spec.restart_after_ms
        self._end = context.ending(fault_id, self.heal)
        self.activations = 0
        self.proof = "not yet"

    @property
    def down(self) -> bool:
        """Whether the node is gone."""
        return self._chain.condition == "down"

    def inject(self) -> None:
        """Kill."""
        self._chain.crash()
        if self._restart_after_ms is not None:
            self._scheduler.at(self._scheduler.now_ms + self._restart_after_ms, self._end)

    def heal(self) -> None:
        """Start again."""
        if self._chain.condition == "down":
            self._chain.catch_up()
            skipped, blocked = self._chain.producer.slots_skipped, self._chain.blocked_calls
            self._chain.restart()
            self.activations = skipped + blocked
            self.proof = f"{skipped} slots passed without a block, {blocked} requests were refused"


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """Down for a while; the pool is lost."""
    _, chain, begin_ms = at_a_leg(rng, context)
    down_ms = lasting_ms(rng)
    step = {"at": seconds(begin_ms), "fault": "node_kill", "chain": chain.name, "restart_after": seconds(down_ms)}
    return DrawnFault(step, begin_ms, begin_ms + down_ms + REST_MS, f"node:{chain.name}")


KIND = FaultKind(spec=NodeKill, activate=NodeKillFault, draw=draw)
