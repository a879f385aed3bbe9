"""A chain makes no blocks; its nodes answer."""

from __future__ import annotations

from typing import ClassVar, Literal

from lab.faults.blocks.base import BlockFault
from lab.faults.context import FaultContext
from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain
from lab.networks.slots import Slot


class Halt(OnChain):
    """The chain makes no blocks; its nodes answer."""

    example: ClassVar[str] = "fault: halt\nchain: polygon\nfor: 40s"
    takes_chain_down: ClassVar[bool] = True

    fault: Literal["halt"]


class HaltFault(BlockFault):
    """Every slot stays without a block. Activations: those slots."""

    def __init__(self, context: FaultContext, fault_id: str, spec: Halt) -> None:
        super().__init__(context, spec, withholders=self._withhold)

    @property
    def proof(self) -> str:
        return f"{self.activations} slots passed without a block"

    def _withhold(self, slot: Slot) -> bool:
        self.activations += 1
        return True


KIND = FaultKind(spec=Halt, activate=HaltFault, draw=lambda rng, case: on_chain("halt", rng, case))
