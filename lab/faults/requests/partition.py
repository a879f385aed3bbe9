"""The relayer and the node cannot reach each other, while the node goes on."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from lab.faults.drawing import DrawContext, DrawnFault, on_chain
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnChain
from lab.faults.transport.policy import Effect


class Partition(OnChain):
    """The relayer and the node cannot reach each other, while the node goes on mining: requests vanish."""

    example: ClassVar[str] = "fault: partition\nchain: ethereum\nfor: 40s"
    hangs_requests: ClassVar[bool] = True

    fault: Literal["partition"]

    @property
    def takes_chain_down(self) -> bool:
        """Always."""
        return True


class PartitionFault(RequestFault):
    """Every request vanishes: its client hears nothing until its own time-out. Activations: requests."""

    verb = "swallowed"

    def on_hit(self, method: str) -> Effect:
        """Swallow."""
        return Effect(silence=True)


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """Longer and shorter than a window's patience."""
    return on_chain("partition", rng, context, node=False)


KIND = FaultKind(spec=Partition, activate=PartitionFault, draw=draw)
