"""The node is killed and has lost its state: back again, it syncs from its peers, from the first block on."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import restarted
from lab.faults.kind import FaultKind
from lab.faults.nodes.outage import UnwellNode
from lab.faults.replicas.replica import METHODS, Heights, Replica
from lab.faults.spec import OnChain
from lab.faults.transport.methods import SENDS
from lab.faults.transport.policy import Effect, Refusal
from lab.model.units import DurationMs


class StateLost(OnChain):
    """The node is killed and has lost its state. Back again, it syncs from its peers, from the first block on."""

    example: ClassVar[str] = "fault: state_lost\nchain: ethereum\nrestart_after: 5s\nresync: 1m"
    passing: ClassVar[tuple[str, ...]] = ("restart_after_ms", "resync_ms")
    takes_chain_down: ClassVar[bool] = True
    exclusive: ClassVar[str] = "stops the node"

    fault: Literal["state_lost"]
    restart_after_ms: DurationMs = Field(
        default=5_000, alias="restart_after", description="start again after this time"
    )
    resync_ms: DurationMs = Field(alias="resync", gt=0, description="how long it takes to have the whole chain again")


SYNCING = "eth_syncing"
REFUSAL = Refusal(-32000, "node is syncing: its transaction pool takes nothing yet")


class StateLostFault(UnwellNode):
    """A kill, and then a node whose head climbs from the genesis to the chain's, evenly over the time of the sync.

    It answers as of its own head, says by eth_syncing that it syncs, and takes no transactions. The chain itself goes
    on: its other nodes have it.
    """

    words = "met a node that was syncing"

    def __init__(self, context: FaultContext, fault_id: str, spec: StateLost) -> None:
        super().__init__(context, fault_id, spec, spec.restart_after_ms)
        self._end = context.ending(fault_id, self.heal)
        self._resync_ms = spec.resync_ms
        self._heights = Heights(self._chain)
        self._begun_ms = 0

    def heal(self) -> None:
        super().heal()
        self._heights.end()

    def effect(self, method: str) -> Effect | None:
        if method not in METHODS and method != SYNCING and method not in SENDS:
            return None
        self.met += 1
        if method in SENDS:
            return Effect(refusal=REFUSAL)
        if method == SYNCING:
            return Effect(rewrites=(self._syncing,))
        return Replica(self._chain, self._lag(), self._heights, method).effect()

    def on_restart(self) -> None:
        self._heights.begin(1)
        self._begun_ms = self._scheduler.now_ms
        self._scheduler.at(self._begun_ms + self._resync_ms, self._end)

    def _lag(self) -> int:
        done = min(1.0, (self._scheduler.now_ms - self._begun_ms) / self._resync_ms)
        head = self._chain.producer.head.number
        return head - int(head * done)

    def _syncing(self, result: Any) -> Any:
        head = self._chain.producer.head.number
        return {"startingBlock": "0x0", "currentBlock": hex(head - self._lag()), "highestBlock": hex(head)}


KIND = FaultKind(
    spec=StateLost,
    activate=StateLostFault,
    draw=lambda rng, case: restarted("state_lost", rng, case, (1, 20), "resync"),
)
