"""The node is killed, and when it is back it refuses every request for a while."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, restarted
from lab.faults.kind import FaultKind
from lab.faults.nodes.node_kill import NodeKill, NodeKillFault
from lab.faults.spec import OnChain
from lab.faults.transport.policy import Effect, Refusal
from lab.model.units import DurationMs


class SlowStart(OnChain):
    """The node is killed, and when it is back it refuses every request for a while."""

    example: ClassVar[str] = "fault: slow_start\nchain: ethereum\nrestart_after: 5s\nrefuses: 30s"
    passing: ClassVar[tuple[str, ...]] = ("restart_after_ms", "refuses_ms")

    fault: Literal["slow_start"]
    restart_after_ms: DurationMs = Field(
        default=5_000, alias="restart_after", description="start again after this time"
    )
    refuses_ms: DurationMs = Field(alias="refuses", description="how long it refuses once it has started")

    @property
    def takes_chain_down(self) -> bool:
        """Until it serves again."""
        return True


REFUSAL = Refusal(-32000, "node is starting: not ready to serve requests", http_status=503)


class SlowStartFault:
    """A kill, and then a node that is up and mines, and does not serve. Activations: those of the kill, and refusals."""

    def __init__(self, context: FaultContext, fault_id: str, spec: SlowStart) -> None:
        self._kill = NodeKillFault(context, fault_id, NodeKill(fault="node_kill", chain=spec.chain))
        self._scheduler = context.scheduler
        self._policy = context.policies[spec.chain]
        self._restart_ms, self._refuses_ms = spec.restart_after_ms, spec.refuses_ms
        self._refused = 0

    @property
    def activations(self) -> int:
        """Slots without a block, requests that met no node, and requests that met one not ready."""
        return self._kill.activations + self._refused

    @property
    def proof(self) -> str:
        """What was seen of both parts."""
        return f"{self._kill.proof}; {self._refused} more while it was starting"

    def inject(self) -> None:
        """Kill it, and arrange for the rest."""
        self._kill.inject()
        now_ms = self._scheduler.now_ms
        self._scheduler.at(now_ms + self._restart_ms, self._start)

    def heal(self) -> None:
        """Up and ready."""
        self._kill.heal()
        self._policy.remove(self)

    def effect(self, method: str) -> Effect:
        """See `Rule.effect`."""
        self._refused += 1
        return Effect(refusal=REFUSAL)

    def _start(self) -> None:
        if self._kill.down:
            self._kill.heal()
            self._policy.add(self)
            self._scheduler.at(self._scheduler.now_ms + self._refuses_ms, lambda: self._policy.remove(self))


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """A kill, and some time in which the new node refuses."""
    return restarted("slow_start", "refuses", rng, context)


KIND = FaultKind(spec=SlowStart, activate=SlowStartFault, draw=draw)
