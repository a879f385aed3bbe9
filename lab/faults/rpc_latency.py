"""Requests take longer."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.requests import RequestFault
from lab.scenario.faults import RpcLatency


class RpcLatencyFault(RequestFault):
    """Adds `delay`, give or take `jitter`; past the client's time-out the answer comes too late for it."""

    verb = "delayed"

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: RpcLatency) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._delay_ms, self._jitter_ms = spec.delay_ms, spec.jitter_ms

    def on_hit(self, method: str) -> Effect:
        """Delay."""
        return Effect(delay_ms=max(0, self._delay_ms + self._random.randint(-self._jitter_ms, self._jitter_ms)))
