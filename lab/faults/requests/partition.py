"""The relayer and the node cannot reach each other, while the node goes on."""

from __future__ import annotations

from typing import ClassVar, Literal

from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnEndpoint
from lab.faults.transport.policy import Effect


class Partition(OnEndpoint):
    """The relayer and the node cannot reach each other, while the node goes on mining: requests vanish."""

    example: ClassVar[str] = "fault: partition\nchain: ethereum\nfor: 40s"
    hangs_requests: ClassVar[bool] = True
    takes_chain_down: ClassVar[bool] = True

    fault: Literal["partition"]


class PartitionFault(RequestFault):
    """Every request vanishes: its client hears nothing until its own time-out. Activations: requests."""

    verb = "swallowed"
    hit = Effect(silence=True)


KIND = FaultKind(
    spec=Partition,
    activate=PartitionFault,
    draw=lambda rng, case: on_chain("partition", rng, case, node=False),
)
