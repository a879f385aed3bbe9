"""The relayer and the node cannot reach each other, while the node goes on."""

from __future__ import annotations

from lab.faults.policy import Effect
from lab.faults.requests import RequestFault


class PartitionFault(RequestFault):
    """Every request vanishes: its client hears nothing until its own time-out. Bites: requests."""

    verb = "swallowed"

    def on_hit(self, method: str) -> Effect:
        """Swallow."""
        return Effect(silence=True)
