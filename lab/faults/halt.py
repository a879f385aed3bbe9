"""A chain makes no blocks; its nodes answer."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.networks.slots import Slot
from lab.scenario.faults import Halt


class HaltFault:
    """Every slot stays without a block. Bites: those slots."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: Halt) -> None:
        self._chain = surroundings.chains[spec.chain]
        self.bites = 0

    @property
    def proof(self) -> str:
        """How many slots passed."""
        return f"{self.bites} slots passed without a block"

    def inject(self) -> None:
        """No block from now on."""
        self._chain.catch_up()
        self._chain.producer.withholders.append(self._withhold)

    def heal(self) -> None:
        """The next slot has one again."""
        self._chain.catch_up()
        if self._withhold in self._chain.producer.withholders:
            self._chain.producer.withholders.remove(self._withhold)
            self._chain.producer.pin()

    def _withhold(self, slot: Slot) -> bool:
        self.bites += 1
        return True
