"""Answers arrive that are no JSON-RPC answers."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.requests import RequestFault
from lab.scenario.faults import RpcMalformed

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>upstream unavailable</body></html>"


class RpcMalformedFault(RequestFault):
    """The request is forwarded; half of the answer comes back, or a gateway's page."""

    verb = "garbled the answer of"

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: RpcMalformed) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._effect = Effect(twists=(_page if spec.body == "html" else _half,))

    def on_hit(self, method: str) -> Effect:
        """Garble."""
        return self._effect


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _page(body: bytes) -> bytes:
    return PAGE
