"""Requests are answered with an error."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.policy import Effect, Refusal
from lab.faults.requests import RequestFault
from lab.scenario.faults import RpcError


class RpcErrorFault(RequestFault):
    """A JSON-RPC error, or an HTTP status, in place of the node's answer. The node is not asked."""

    verb = "refused"

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: RpcError) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._refusal = Refusal(spec.code, spec.message, spec.http_status)

    def on_hit(self, method: str) -> Effect:
        """Refuse."""
        return Effect(refusal=self._refusal)
