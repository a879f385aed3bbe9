"""All transactions in a node's pool vanish."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.scenario.faults import PoolDrop


class PoolDropFault:
    """Once, or again and again. Bites: transactions that vanished."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: PoolDrop) -> None:
        self._chain = surroundings.chains[spec.chain]
        self._scheduler = surroundings.scheduler
        self._every_ms = spec.every_ms
        self._healed = False
        self.bites = 0

    @property
    def proof(self) -> str:
        """How many."""
        return f"{self.bites} transactions vanished from the pool"

    def inject(self) -> None:
        """Empty the pool now, and again if asked."""
        self._drop()

    def heal(self) -> None:
        """Leave it alone."""
        self._healed = True

    def _drop(self) -> None:
        if self._healed:
            return
        if self._chain.condition == "up":
            self.bites += self._chain.drop_pool()
        if self._every_ms is not None:
            self._scheduler.at(self._scheduler.now_ms + self._every_ms, self._drop)
