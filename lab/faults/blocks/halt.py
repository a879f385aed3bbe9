"""A chain makes no blocks; its nodes answer."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, on_chain
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain
from lab.networks.slots import Slot


class Halt(OnChain):
    """The chain makes no blocks; its nodes answer."""

    example: ClassVar[str] = "fault: halt\nchain: polygon\nfor: 40s"

    fault: Literal["halt"]

    @property
    def takes_chain_down(self) -> bool:
        """Always."""
        return True


class HaltFault:
    """Every slot stays without a block. Activations: those slots."""

    def __init__(self, context: FaultContext, fault_id: str, spec: Halt) -> None:
        self._chain = context.chains[spec.chain]
        self.activations = 0

    @property
    def proof(self) -> str:
        """How many slots passed."""
        return f"{self.activations} slots passed without a block"

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
        self.activations += 1
        return True


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """Answers without blocks."""
    return on_chain("halt", rng, context)


KIND = FaultKind(spec=Halt, activate=HaltFault, draw=draw)
