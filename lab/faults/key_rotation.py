"""The relayer goes on with another account's key on the same store."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.relayers import relayer_of
from lab.scenario.faults import KeyRotation


class KeyRotationFault:
    """A clean stop and a start with the other key. Bites: 1."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: KeyRotation) -> None:
        self._relayer = relayer_of(surroundings, fault_id, spec.fault)
        self._role = spec.role
        self.bites = 0
        self.proof = "not yet"

    def inject(self) -> None:
        """Rotate."""
        self._relayer.rotate(self._role)
        self.bites = 1
        self.proof = f"it goes on with the key of {self._role}"

    def heal(self) -> None:
        """Nothing to heal: the key stays."""
