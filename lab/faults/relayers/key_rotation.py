"""The relayer goes on with another account's key on the same store."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.kind import FaultKind
from lab.faults.relayers.control import relayer_of
from lab.faults.spec import Fault
from lab.model.step import Role


class KeyRotation(Fault):
    """The relayer is stopped, and goes on with another account's key on the same store. It cannot be healed."""

    example: ClassVar[str] = "fault: key_rotation\nrole: operator2"

    fault: Literal["key_rotation"]
    role: Role = Field(default="operator2", description="whose key it uses from then on")


class KeyRotationFault:
    """A clean stop and a start with the other key. Activations: 1."""

    def __init__(self, context: FaultContext, fault_id: str, spec: KeyRotation) -> None:
        self._relayer = relayer_of(context, fault_id, spec.fault)
        self._role = spec.role
        self.activations = 0
        self.proof = "not yet"

    def inject(self) -> None:
        self._relayer.rotate(self._role)
        self.activations = 1
        self.proof = f"it goes on with the key of {self._role}"

    def heal(self) -> None:
        """Nothing to heal: the key stays."""


KIND = FaultKind(
    spec=KeyRotation,
    activate=KeyRotationFault,
    not_drawn="cannot be healed, and the checks know one account as the relayer's",
)
