"""The node takes the request, and the answer never arrives."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.requests import RequestFault
from lab.scenario.faults import LostReply


class LostReplyFault(RequestFault):
    """Forwards the request and drops the answer, `count` times or without limit."""

    verb = "lost the answer of"

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: LostReply) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._count = spec.count

    def on_hit(self, method: str) -> Effect | None:
        """Lose the answer, unless enough were lost."""
        if self._count is not None and self.bites >= self._count:
            return None
        return Effect(lose_reply=True)
