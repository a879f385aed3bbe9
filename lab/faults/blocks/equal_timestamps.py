"""The next blocks of a chain carry the timestamp of the one before."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from lab.chains.mined import Mined
from lab.errors import UsageError
from lab.faults.blocks.base import BlockFault
from lab.faults.context import FaultContext
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain


class EqualTimestamps(OnChain):
    """The next blocks carry the timestamp of the one before. For chains with several blocks a second."""

    example: ClassVar[str] = "fault: equal_timestamps\nchain: base\nblocks: 40"

    fault: Literal["equal_timestamps"]
    blocks: int = Field(ge=1, le=10_000, description="how many blocks")


class EqualTimestampsFault(BlockFault):
    """For so many blocks time stands still. Activations: those blocks."""

    def __init__(self, context: FaultContext, fault_id: str, spec: EqualTimestamps) -> None:
        super().__init__(context, spec, clock_rules=self._held, listeners=self._on_block)
        profile = self._chain.profile
        if profile.block_time_ms >= 1000 or not profile.mines_empty_blocks:
            # Where blocks only come with transactions, the one before may be of long ago.
            raise UsageError(
                f"{fault_id}: equal_timestamps needs a network with several blocks a second, whatever happens (base); "
                f"{profile.name} makes one every {profile.block_time_ms / 1000:g} s"
                f"{'' if profile.mines_empty_blocks else ' while there are transactions'}"
            )
        self._blocks = spec.blocks

    @property
    def proof(self) -> str:
        return f"{self.activations} blocks carried the timestamp of the one before"

    def _held(self, timestamp: int, parent: Mined) -> int:
        return parent.timestamp if self.activations < self._blocks else timestamp

    def _on_block(self, mined: Mined) -> None:
        self.activations += self.activations < self._blocks


KIND = FaultKind(
    spec=EqualTimestamps,
    activate=EqualTimestampsFault,
    not_drawn="only on a chain with several blocks a second, where most timestamps are equal anyway",
)
