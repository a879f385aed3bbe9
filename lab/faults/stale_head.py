"""The relayer's endpoint is a replica that is some blocks behind."""

from __future__ import annotations

from lab.chains.producer import Mined
from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.replica import METHODS, Replica
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
        self._heights: dict[str, int] = {}

    def inject(self) -> None:
        """From now on the newest blocks are out of its sight."""
        self._chain.catch_up()
        if self._chain.condition == "up":
            head = self._chain.producer.head.number
            for number in range(max(0, head - self._lag), head + 1):
                self._note(number)
        self._chain.producer.listeners.append(self._on_block)
        super().inject()

    def heal(self) -> None:
        """It has caught up."""
        super().heal()
        if self._on_block in self._chain.producer.listeners:
            self._chain.producer.listeners.remove(self._on_block)

    def on_hit(self, method: str) -> Effect:
        """Answer as a replica would."""
        return Replica(self._chain, self._lag, self._heights, method).effect()

    def _on_block(self, mined: Mined) -> None:
        self._note(mined.number)

    def _note(self, number: int) -> None:
        block = self._chain.producer.rpc.block(number)
        if block is not None:
            self._heights[str(block["hash"]).lower()] = number
