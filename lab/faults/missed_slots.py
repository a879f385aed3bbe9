"""Some slots of a chain stay without a block."""

from __future__ import annotations

import random

from lab.faults.base import Surroundings
from lab.networks.slots import Slot
from lab.scenario.faults import MissedSlots


class MissedSlotsFault:
    """Each slot is missed with the chance `share`: drawn by its index, so that who looks when plays no part."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: MissedSlots) -> None:
        self._chain = surroundings.chains[spec.chain]
        self._share = spec.share
        self._draws = f"{surroundings.seed}/fault/{fault_id}"
        self._slots = 0
        self.bites = 0

    @property
    def proof(self) -> str:
        """How many slots were missed."""
        return f"{self.bites} of {self._slots} slots passed without a block"

    def inject(self) -> None:
        """Miss from now on."""
        self._chain.catch_up()
        self._chain.producer.withholders.append(self._withhold)

    def heal(self) -> None:
        """Miss no more than the network does."""
        self._chain.catch_up()
        if self._withhold in self._chain.producer.withholders:
            self._chain.producer.withholders.remove(self._withhold)
            self._chain.producer.pin()

    def _withhold(self, slot: Slot) -> bool:
        missed = random.Random(f"{self._draws}/{slot.index}").random() < self._share
        self._slots += 1
        self.bites += missed
        return missed
