"""The next blocks of a chain carry the timestamp of the one before."""

from __future__ import annotations

from lab.chains.producer import Mined
from lab.errors import UsageError
from lab.faults.base import Surroundings
from lab.scenario.faults import EqualTimestamps


class EqualTimestampsFault:
    """For so many blocks time stands still. Bites: those blocks."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: EqualTimestamps) -> None:
        self._chain = surroundings.chains[spec.chain]
        profile = self._chain.profile
        if profile.block_time_ms >= 1000 or not profile.mines_empty_blocks:
            # Where blocks only come with transactions, the one before may be of long ago.
            raise UsageError(
                f"{fault_id}: equal_timestamps needs a network with several blocks a second, whatever happens (base); "
                f"{profile.name} makes one every {profile.block_time_ms / 1000:g} s"
                f"{'' if profile.mines_empty_blocks else ' while there are transactions'}"
            )
        self._blocks = spec.blocks
        self.bites = 0

    @property
    def proof(self) -> str:
        """How many blocks."""
        return f"{self.bites} blocks carried the timestamp of the one before"

    def inject(self) -> None:
        """Hold the time."""
        self._chain.catch_up()
        producer = self._chain.producer
        producer.clock_rules.append(self._held)
        producer.listeners.append(self._on_block)
        producer.pin()

    def heal(self) -> None:
        """Let it go on."""
        self._chain.catch_up()
        producer = self._chain.producer
        if self._on_block in producer.listeners:
            producer.listeners.remove(self._on_block)
            producer.clock_rules.remove(self._held)
            producer.pin()

    def _held(self, timestamp: int, parent: Mined) -> int:
        return parent.timestamp if self.bites < self._blocks else timestamp

    def _on_block(self, mined: Mined) -> None:
        self.bites += self.bites < self._blocks
