"""The relayer's endpoint spreads its requests over replicas, some of which are behind."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.replicas.stale_head import StaleHead, StaleHeadFault


class InconsistentReplicas(StaleHead):
    """The relayer's endpoint spreads requests over replicas, some of which are behind."""

    example: ClassVar[str] = "fault: inconsistent_replicas\nchain: ethereum\nblocks: 3\nshare: 0.5\nfor: 1m"

    fault: Literal["inconsistent_replicas"]  # type: ignore[assignment]
    share: float = Field(default=0.5, gt=0, le=1, description="the share of requests that a lagging one answers")


class InconsistentReplicasFault(StaleHeadFault):
    """Each request meets a lagging one with the chance `share`, one that is up to date otherwise."""

    def __init__(self, context: FaultContext, fault_id: str, spec: InconsistentReplicas) -> None:
        super().__init__(context, fault_id, spec)
        self._share = spec.share


KIND = FaultKind(
    spec=InconsistentReplicas,
    activate=InconsistentReplicasFault,
    draw=lambda rng, case: on_chain(
        "inconsistent_replicas", rng, case, node=False, blocks=rng.choice((1, 2, 5, 20)), share=rng.choice((0.1, 0.5))
    ),
)
