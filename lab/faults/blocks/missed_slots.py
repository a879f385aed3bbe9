"""Some slots of a chain stay without a block."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.blocks.base import BlockFault
from lab.faults.context import FaultContext
from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain
from lab.networks.slots import Slot


class MissedSlots(OnChain):
    """Some slots stay without a block."""

    example: ClassVar[str] = "fault: missed_slots\nchain: ethereum\nshare: 0.5\nfor: 2m"

    fault: Literal["missed_slots"]
    share: float = Field(gt=0, le=1, description="the share of slots without a block")


class MissedSlotsFault(BlockFault):
    """Each slot is missed with the chance `share`: drawn by its index, so that who looks when plays no part."""

    def __init__(self, context: FaultContext, fault_id: str, spec: MissedSlots) -> None:
        super().__init__(context, spec, withholders=self._withhold)
        self._share = spec.share
        self._draws = f"{context.seed}/fault/{fault_id}"
        self._slots = 0

    @property
    def proof(self) -> str:
        return f"{self.activations} of {self._slots} slots passed without a block"

    def _withhold(self, slot: Slot) -> bool:
        missed = random.Random(f"{self._draws}/{slot.index}").random() < self._share
        self._slots += 1
        self.activations += missed
        return missed


KIND = FaultKind(
    spec=MissedSlots,
    activate=MissedSlotsFault,
    draw=lambda rng, case: on_chain(
        "missed_slots", rng, case, span_s=(20, 60), early=True, share=rng.choice((0.2, 0.5, 0.8))
    ),
)
