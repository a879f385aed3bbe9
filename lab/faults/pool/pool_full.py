"""The node's pool takes no more transactions."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, on_chain
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnChain
from lab.faults.transport.methods import SENDS
from lab.faults.transport.policy import Effect, Refusal


class PoolFull(OnChain):
    """The node's pool takes no more transactions."""

    example: ClassVar[str] = "fault: pool_full\nchain: polygon\nfor: 30s"

    fault: Literal["pool_full"]


REFUSAL = Refusal(-32000, "txpool is full")


class PoolFullFault(RequestFault):
    """Refuses what the relayer sends, in geth's words. Activations: refusals."""

    verb = "refused"

    def __init__(self, context: FaultContext, fault_id: str, spec: PoolFull) -> None:
        super().__init__(context, fault_id, spec)
        self._methods = SENDS

    def on_hit(self, method: str) -> Effect:
        """No room."""
        return Effect(refusal=REFUSAL)


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """No room for the relayer."""
    return on_chain("pool_full", rng, context, low_s=10, high_s=50, early=True, node=False)


KIND = FaultKind(spec=PoolFull, activate=PoolFullFault, draw=draw)
