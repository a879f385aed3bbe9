"""Answers arrive that are no JSON-RPC answers."""

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

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>upstream unavailable</body></html>"


class RpcMalformed(OnRequests):
    """The node takes the request, and what comes back is no JSON-RPC answer."""

    example: ClassVar[str] = "fault: rpc_malformed\nchain: polygon\nmethods: [eth_getLogs]\nbody: html"

    fault: Literal["rpc_malformed"]
    body: Literal["truncated", "html"] = Field(
        default="truncated", description="the first half of the answer, or a gateway's error page"
    )

    @property
    def takes_chain_down(self) -> bool:
        """If it hits every request."""
        return self.is_total


class RpcMalformedFault(RequestFault):
    """The request is forwarded; half of the answer comes back, or a gateway's page."""

    verb = "garbled the answer of"

    def __init__(self, context: FaultContext, fault_id: str, spec: RpcMalformed) -> None:
        super().__init__(context, fault_id, spec)
        self._effect = Effect(twists=(_page if spec.body == "html" else _half,))

    def on_hit(self, method: str) -> Effect:
        """Garble."""
        return self._effect


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _page(body: bytes) -> bytes:
    return PAGE


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """Half an answer, or a gateway's page."""
    return on_requests("rpc_malformed", rng, context, body=rng.choice(("truncated", "html")))


KIND = FaultKind(spec=RpcMalformed, activate=RpcMalformedFault, draw=draw)
