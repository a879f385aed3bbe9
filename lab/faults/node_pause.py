"""The node stops answering and mining, and goes on where it was when it is healed."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.scenario.faults import NodePause


class NodePauseFault:
    """Freezes the node's process. Bites: requests that hung and slots that passed without a block."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: NodePause) -> None:
        self._chain = surroundings.chains[spec.chain]
        self.bites = 0
        self.proof = "not yet"

    def inject(self) -> None:
        """Freeze."""
        self._chain.freeze()

    def heal(self) -> None:
        """Thaw."""
        if self._chain.condition == "paused":
            self._chain.catch_up()
            skipped, blocked = self._chain.producer.slots_skipped, self._chain.blocked_calls
            self._chain.thaw()
            self.bites = skipped + blocked
            self.proof = f"{skipped} slots passed without a block, {blocked} requests hung"
