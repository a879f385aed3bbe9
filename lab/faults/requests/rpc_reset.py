"""The connection breaks in the middle of a request."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, on_requests
from lab.faults.kind import FaultKind
from lab.faults.policy import Effect
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnRequests


class RpcReset(OnRequests):
    """The connection breaks in the middle of a request, before or after it reached the node."""

    example: ClassVar[str] = "fault: rpc_reset\nchain: optimism\nshare: 0.3\nforwarded: true"

    fault: Literal["rpc_reset"]
    forwarded: bool = Field(default=False, description="whether the request reaches the node first")

    @property
    def takes_chain_down(self) -> bool:
        """If it hits every request."""
        return self.is_total


class RpcResetFault(RequestFault):
    """Resets it before the node sees the request, or after: the client cannot tell which."""

    verb = "reset"

    def __init__(self, context: FaultContext, fault_id: str, spec: RpcReset) -> None:
        super().__init__(context, fault_id, spec)
        self._effect = Effect(reset="after" if spec.forwarded else "before")

    def on_hit(self, method: str) -> Effect:
        """Break."""
        return self._effect


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """Before or after the node saw the request."""
    return on_requests("rpc_reset", rng, context, forwarded=rng.random() < 0.7)


KIND = FaultKind(spec=RpcReset, activate=RpcResetFault, draw=draw)
