"""The node takes the request, and the answer never arrives."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnRequests
from lab.faults.transport.policy import Effect
from lab.model.step import AS_TUPLE


class LostReply(OnRequests):
    """The node takes the request, and the answer never arrives."""

    example: ClassVar[str] = "fault: lost_reply\nchain: ethereum\ncount: 1"
    slows_all_chains: ClassVar[bool] = True
    hangs_requests: ClassVar[bool] = True

    fault: Literal["lost_reply"]
    methods: Annotated[tuple[str, ...], Field(min_length=1), AS_TUPLE] | None = Field(
        default=("eth_sendRawTransaction",), description="RPC methods it hits"
    )
    count: int | None = Field(default=None, ge=1, description="stop after so many lost answers; omitted: no limit")


class LostReplyFault(RequestFault):
    """Forwards the request and drops the answer, `count` times or without limit."""

    verb = "lost the answer of"

    def __init__(self, context: FaultContext, fault_id: str, spec: LostReply) -> None:
        super().__init__(context, fault_id, spec)
        self._count = spec.count

    def on_hit(self, method: str) -> Effect | None:
        if self._count is not None and self.activations >= self._count:
            return None
        return Effect(lose_reply=True)


KIND = FaultKind(
    spec=LostReply,
    activate=LostReplyFault,
    draw=lambda rng, case: on_chain(
        "lost_reply", rng, case, span_s=(30, 80), early=True, node=False, count=rng.randint(1, 3)
    ),
)
