"""Raw transactions reach the node twice."""

from __future__ import annotations

from lab.faults.methods import SENDS
from lab.faults.policy import Effect
from lab.faults.requests import RequestFault


class DuplicateDeliveryFault(RequestFault):
    """As behind a middlebox that repeats a request: the node's answer to the second one comes back."""

    verb = "delivered twice"

    def effect(self, method: str) -> Effect | None:
        """Only sends can be doubled in a way that matters."""
        return super().effect(method) if method in SENDS else None

    def on_hit(self, method: str) -> Effect:
        """Repeat."""
        return Effect(duplicate=True)
