"""Answers arrive that are no JSON-RPC answers."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import on_requests
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnRequests
from lab.faults.transport.policy import Effect

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>upstream unavailable</body></html>"


class RpcMalformed(OnRequests):
    """The node takes the request, and what comes back is no JSON-RPC answer."""

    example: ClassVar[str] = "fault: rpc_malformed\nchain: polygon\nmethods: [eth_getLogs]\nbody: html"
    takes_chain_down: ClassVar[bool] = True

    fault: Literal["rpc_malformed"]
    body: Literal["truncated", "html"] = Field(
        default="truncated", description="the first half of the answer, or a gateway's error page"
    )


class RpcMalformedFault(RequestFault):
    """The request is forwarded; half of the answer comes back, or a gateway's page."""

    verb = "garbled the answer of"

    def __init__(self, context: FaultContext, fault_id: str, spec: RpcMalformed) -> None:
        super().__init__(context, fault_id, spec)
        self.hit = Effect(transforms=(_page if spec.body == "html" else _half,))


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _page(body: bytes) -> bytes:
    return PAGE


KIND = FaultKind(
    spec=RpcMalformed,
    activate=RpcMalformedFault,
    draw=lambda rng, case: on_requests("rpc_malformed", rng, case, body=rng.choice(("truncated", "html"))),
)
