"""Requests take longer."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, on_requests, seconds
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnRequests
from lab.faults.transport.policy import Effect
from lab.model.units import DurationMs


class RpcLatency(OnRequests):
    """Requests take longer."""

    example: ClassVar[str] = "fault: rpc_latency\nchain: optimism\ndelay: 800ms\njitter: 200ms"
    slows_all_chains: ClassVar[bool] = True
    hangs_requests: ClassVar[bool] = True

    fault: Literal["rpc_latency"]
    delay_ms: DurationMs = Field(alias="delay", description="time added to each request")
    jitter_ms: DurationMs = Field(default=0, alias="jitter", description="up to this much more or less, from the seed")


class RpcLatencyFault(RequestFault):
    """Adds `delay`, give or take `jitter`; past the client's time-out the answer comes too late for it."""

    verb = "delayed"

    def __init__(self, context: FaultContext, fault_id: str, spec: RpcLatency) -> None:
        super().__init__(context, fault_id, spec)
        self._delay_ms, self._jitter_ms = spec.delay_ms, spec.jitter_ms

    def on_hit(self, method: str) -> Effect:
        return Effect(delay_ms=max(0, self._delay_ms + self._random.randint(-self._jitter_ms, self._jitter_ms)))


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """From a slow endpoint to one that is past the client's patience now and then."""
    delay_ms = rng.choice((200, 800, 2_000, 4_000))
    jitter_ms = rng.choice((0, delay_ms // 2))
    return on_requests("rpc_latency", rng, context, delay=seconds(delay_ms), jitter=seconds(jitter_ms))


KIND = FaultKind(spec=RpcLatency, activate=RpcLatencyFault, draw=draw)
