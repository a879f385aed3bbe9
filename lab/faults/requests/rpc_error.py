"""Requests are answered with an error."""

from __future__ import annotations

import random
from typing import Any, ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, on_requests
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnRequests
from lab.faults.transport.policy import Effect, Refusal


class RpcError(OnRequests):
    """Requests are answered with an error."""

    example: ClassVar[str] = "fault: rpc_error\nchain: ethereum\nmethods: [eth_getLogs]\nshare: 0.5\nfor: 20s"
    takes_chain_down: ClassVar[bool] = True

    fault: Literal["rpc_error"]
    code: int = Field(default=-32005, description="JSON-RPC error code")
    http_status: int | None = Field(default=None, ge=400, le=599, description="answer with this HTTP status instead")
    message: str = Field(default="limit exceeded", description="the error's message")


class RpcErrorFault(RequestFault):
    """A JSON-RPC error, or an HTTP status, in place of the node's answer. The node is not asked."""

    verb = "refused"

    def __init__(self, context: FaultContext, fault_id: str, spec: RpcError) -> None:
        super().__init__(context, fault_id, spec)
        self.hit = Effect(refusal=Refusal(spec.code, spec.message, spec.http_status))


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """Rate limits, ranges refused, gateways that give up."""
    more: dict[str, Any] = {"code": rng.choice((-32005, -32602, -32000))}
    if rng.random() < 0.4:
        more["http_status"] = rng.choice((429, 502, 503))
    return on_requests("rpc_error", rng, context, **more)


KIND = FaultKind(spec=RpcError, activate=RpcErrorFault, draw=draw)
