"""The node's pool takes no more transactions."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.methods import SENDS
from lab.faults.policy import Effect, Refusal
from lab.faults.requests import RequestFault
from lab.scenario.faults import PoolFull

REFUSAL = Refusal(-32000, "txpool is full")


class PoolFullFault(RequestFault):
    """Refuses what the relayer sends, in geth's words. Bites: refusals."""

    verb = "refused"

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: PoolFull) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._methods = SENDS

    def on_hit(self, method: str) -> Effect:
        """No room."""
        return Effect(refusal=REFUSAL)
