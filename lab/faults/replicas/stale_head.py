"""The relayer's endpoint is a replica that is some blocks behind."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.replicas.replica import METHODS, Heights, Replica
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnEndpoint
from lab.faults.transport.policy import Effect

REPLICA_LAG_MAX = 32
"""Whatever the reorgs of a file, nodes keep the state of so many blocks."""


class StaleHead(OnEndpoint):
    """The relayer's endpoint is a replica that is some blocks behind: heads, logs, state and nonces are old."""

    example: ClassVar[str] = "fault: stale_head\nchain: ethereum\nblocks: 3\nfor: 1m"

    fault: Literal["stale_head"]
    blocks: int = Field(ge=1, le=REPLICA_LAG_MAX, description="how far behind it is")


class StaleHeadFault(RequestFault):
    """Every answer is of a chain without its newest blocks. Activations: requests whose answer depends on the head."""

    verb = "was behind in"
    methods = METHODS

    def __init__(self, context: FaultContext, fault_id: str, spec: StaleHead) -> None:
        super().__init__(context, fault_id, spec)
        self._chain = context.chains[spec.chain]
        self._lag = spec.blocks
        self._heights = Heights(self._chain)

    def inject(self) -> None:
        """From now on the newest blocks are out of its sight."""
        self._chain.catch_up()
        head = self._chain.producer.head.number
        self._heights.begin(head - self._lag if self._chain.condition == "up" else head + 1)
        super().inject()

    def heal(self) -> None:
        super().heal()
        self._heights.end()

    def on_hit(self, method: str) -> Effect:
        return Replica(self._chain, self._lag, self._heights, method).effect()


KIND = FaultKind(
    spec=StaleHead,
    activate=StaleHeadFault,
    draw=lambda rng, case: on_chain("stale_head", rng, case, node=False, blocks=rng.choice((1, 2, 5, 20))),
)
