"""Raw transactions reach the node twice."""

from __future__ import annotations

from typing import ClassVar, Literal

from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnEndpoint
from lab.faults.transport.methods import SENDS
from lab.faults.transport.policy import Effect


class DuplicateDelivery(OnEndpoint):
    """Raw transactions reach the node twice, and what comes back is its answer to the second."""

    example: ClassVar[str] = "fault: duplicate_delivery\nchain: optimism\nfor: 1m"

    fault: Literal["duplicate_delivery"]


class DuplicateDeliveryFault(RequestFault):
    """As behind a middlebox that repeats a request: the node's answer to the second one comes back."""

    verb = "delivered twice"
    methods = SENDS
    hit = Effect(duplicate=True)


KIND = FaultKind(
    spec=DuplicateDelivery,
    activate=DuplicateDeliveryFault,
    draw=lambda rng, case: on_chain("duplicate_delivery", rng, case, span_s=(30, 80), early=True, node=False),
)
