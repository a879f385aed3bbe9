"""The node's pool takes no more transactions."""

from __future__ import annotations

from typing import ClassVar, Literal

from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnChain
from lab.faults.transport.methods import SENDS
from lab.faults.transport.policy import Effect, Refusal


class PoolFull(OnChain):
    """The node's pool takes no more transactions."""

    example: ClassVar[str] = "fault: pool_full\nchain: polygon\nfor: 30s"

    fault: Literal["pool_full"]


class PoolFullFault(RequestFault):
    """Refuses what the relayer sends, in geth's words. Activations: refusals."""

    verb = "refused"
    methods = SENDS
    hit = Effect(refusal=Refusal(-32000, "txpool is full"))


KIND = FaultKind(
    spec=PoolFull,
    activate=PoolFullFault,
    draw=lambda rng, case: on_chain("pool_full", rng, case, span_s=(10, 50), early=True, node=False),
)
