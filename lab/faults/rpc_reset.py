"""The connection breaks in the middle of a request."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.requests import RequestFault
from lab.scenario.faults import RpcReset


class RpcResetFault(RequestFault):
    """Resets it before the node sees the request, or after: the client cannot tell which."""

    verb = "reset"

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: RpcReset) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._effect = Effect(reset="after" if spec.forwarded else "before")

    def on_hit(self, method: str) -> Effect:
        """Break."""
        return self._effect
