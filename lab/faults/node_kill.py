"""The node is killed; healed, it starts again from its state, without its transaction pool."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.scenario.faults import NodeKill


class NodeKillFault:
    """SIGKILL and a fresh process on the same state. Bites: requests refused and slots that passed without a block."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: NodeKill) -> None:
        self._chain = surroundings.chains[spec.chain]
        self._scheduler = surroundings.scheduler
        self._restart_after_ms = spec.restart_after_ms
        self._end = surroundings.ending(fault_id, self.heal)
        self.bites = 0
        self.proof = "not yet"

    @property
    def down(self) -> bool:
        """Whether the node is gone."""
        return self._chain.condition == "down"

    def inject(self) -> None:
        """Kill."""
        self._chain.crash()
        if self._restart_after_ms is not None:
            self._scheduler.at(self._scheduler.now_ms + self._restart_after_ms, self._end)

    def heal(self) -> None:
        """Start again."""
        if self._chain.condition == "down":
            self._chain.catch_up()
            skipped, blocked = self._chain.producer.slots_skipped, self._chain.blocked_calls
            self._chain.restart()
            self.bites = skipped + blocked
            self.proof = f"{skipped} slots passed without a block, {blocked} requests were refused"
