"""The relayer's endpoint is a replica that is some blocks behind."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.replica import METHODS, Heights, Replica
from lab.faults.requests import RequestFault
from lab.scenario.faults import StaleHead


class StaleHeadFault(RequestFault):
    """Every answer is of a chain without its newest blocks. Bites: requests whose answer depends on the head."""

    verb = "was behind in"

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: StaleHead) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._methods = METHODS
        self._chain = surroundings.chains[spec.chain]
        self._lag = spec.blocks
        self._heights = Heights(self._chain)

    def inject(self) -> None:
        """From now on the newest blocks are out of its sight."""
        self._chain.catch_up()
        head = self._chain.producer.head.number
        self._heights.begin(head - self._lag if self._chain.condition == "up" else head + 1)
        super().inject()

    def heal(self) -> None:
        """It has caught up."""
        super().heal()
        self._heights.end()

    def on_hit(self, method: str) -> Effect:
        """Answer as a replica would."""
        return Replica(self._chain, self._lag, self._heights, method).effect()
