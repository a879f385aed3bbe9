"""The node stops answering and mining, and continues where it was when it is healed."""

from __future__ import annotations

from typing import ClassVar, Literal

from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.nodes.outage import NodeOutage
from lab.faults.spec import OnChain


class NodePause(OnChain):
    """The node stops answering and mining, and continues where it was when it is healed."""

    example: ClassVar[str] = "fault: node_pause\nchain: optimism\nfor: 20s"
    hangs_requests: ClassVar[bool] = True
    takes_chain_down: ClassVar[bool] = True
    exclusive: ClassVar[str] = "stops the node"

    fault: Literal["node_pause"]


class NodePauseFault(NodeOutage):
    """Freezes the node's process: requests hang."""

    condition = "paused"
    verb = "hung"

    def inject(self) -> None:
        self._chain.freeze()

    def revive(self) -> None:
        self._chain.thaw()


KIND = FaultKind(
    spec=NodePause,
    activate=NodePauseFault,
    draw=lambda rng, case: on_chain("node_pause", rng, case),
)
