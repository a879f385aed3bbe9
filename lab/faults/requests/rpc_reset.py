"""The connection breaks in the middle of a request."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import on_requests
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnRequests
from lab.faults.transport.policy import Effect


class RpcReset(OnRequests):
    """The connection breaks in the middle of a request, before or after it reached the node."""

    example: ClassVar[str] = "fault: rpc_reset\nchain: optimism\nshare: 0.3\nforwarded: true"
    takes_chain_down: ClassVar[bool] = True

    fault: Literal["rpc_reset"]
    forwarded: bool = Field(default=False, description="whether the request reaches the node first")


class RpcResetFault(RequestFault):
    """Resets it before the node sees the request, or after: the client cannot know which."""

    verb = "reset"

    def __init__(self, context: FaultContext, fault_id: str, spec: RpcReset) -> None:
        super().__init__(context, fault_id, spec)
        self.hit = Effect(reset="after" if spec.forwarded else "before")


KIND = FaultKind(
    spec=RpcReset,
    activate=RpcResetFault,
    draw=lambda rng, case: on_requests("rpc_reset", rng, case, forwarded=rng.random() < 0.7),
)
