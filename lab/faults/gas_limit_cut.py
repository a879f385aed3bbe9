"""Blocks hold less gas, so that transactions wait: congestion."""

from __future__ import annotations

from lab.chains.producer import Mined
from lab.faults.base import Surroundings
from lab.scenario.faults import GasLimitCut


class GasLimitCutFault:
    """Cuts the block gas limit. Bites: blocks that left executable transactions waiting in the pool."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: GasLimitCut) -> None:
        self._chain = surroundings.chains[spec.chain]
        self._gas_limit = spec.gas_limit
        self._most_waiting = 0
        self.bites = 0

    @property
    def proof(self) -> str:
        """How many blocks were too small, and for how many transactions."""
        return f"{self.bites} blocks left transactions waiting, {self._most_waiting} at most"

    def inject(self) -> None:
        """Cut the limit from the next block on."""
        self._chain.catch_up()
        self._chain.producer.listeners.append(self._on_block)
        self._chain.producer.set_gas_limit(self._gas_limit)

    def heal(self) -> None:
        """Give the profile's limit back."""
        self._chain.catch_up()
        producer = self._chain.producer
        if self._on_block in producer.listeners:
            producer.listeners.remove(self._on_block)
            producer.set_gas_limit(self._chain.profile.gas_limit)

    def _on_block(self, mined: Mined) -> None:
        self.bites += mined.waiting > 0
        self._most_waiting = max(self._most_waiting, mined.waiting)
