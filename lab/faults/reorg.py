"""The last blocks of a chain are replaced by others."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.scenario.faults import Reorg


class ReorgFault:
    """Happens at once. Bites: transactions that lost their block; replacing only empty blocks proves nothing."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: Reorg) -> None:
        self._chain = surroundings.chains[spec.chain]
        self._spec = spec
        self.bites = 0
        self.proof = "not yet"

    def inject(self) -> None:
        """Replace the blocks."""
        orphaned = self._chain.reorg(self._spec.depth, requeue=self._spec.orphans == "requeued")
        self.bites = len(orphaned)
        self.proof = f"{self._spec.depth} blocks replaced, {len(orphaned)} transactions orphaned ({self._spec.orphans})"

    def heal(self) -> None:
        """Nothing to heal: the new branch is the chain."""
