"""The node stops answering and mining, and goes on where it was when it is healed."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, on_chain
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain


class NodePause(OnChain):
    """The node stops answering and mining, and continues where it was when it is healed."""

    example: ClassVar[str] = "fault: node_pause\nchain: optimism\nfor: 20s"
    hangs_requests: ClassVar[bool] = True

    fault: Literal["node_pause"]

    @property
    def takes_chain_down(self) -> bool:
        """Always."""
        return True


class NodePauseFault:
    """Freezes the node's process. Activations: requests that hung and slots that passed without a block."""

    def __init__(self, context: FaultContext, fault_id: str, spec: NodePause) -> None:
        self._chain = context.chains[spec.chain]
        self.activations = 0
        self.proof = "not yet"

    def inject(self) -> None:
        """Freeze."""
        self._chain.freeze()

    def heal(self) -> None:
        """Thaw."""
        if self._chain.condition == "paused":
            self._chain.catch_up()
            skipped, blocked = self._chain.producer.slots_skipped, self._chain.blocked_calls
            self._chain.thaw()
            self.activations = skipped + blocked
            self.proof = f"{skipped} slots passed without a block, {blocked} requests hung"


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """Shorter and longer than the relayer's patience."""
    return on_chain("node_pause", rng, context)


KIND = FaultKind(spec=NodePause, activate=NodePauseFault, draw=draw)
