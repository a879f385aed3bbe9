"""The base fee jumps, and comes down by the network's own curve when it is healed."""

from __future__ import annotations

from lab.chains.producer import Mined
from lab.faults.base import Surroundings
from lab.scenario.faults import BaseFeeSpike


class BaseFeeSpikeFault:
    """Every block while it lasts has at least the spiked base fee. Bites: blocks mined at it."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: BaseFeeSpike) -> None:
        self._chain = surroundings.chains[spec.chain]
        self._spec = spec
        self._level = 0
        self.bites = 0

    @property
    def proof(self) -> str:
        """How many blocks at which fee."""
        return f"{self.bites} blocks mined at a base fee of {self._level} wei or more"

    def inject(self) -> None:
        """Raise the fee from the next block on."""
        self._chain.catch_up()
        producer = self._chain.producer
        before = producer.head.base_fee
        self._level = self._spec.wei if self._spec.wei is not None else int(before * (self._spec.factor or 1))
        producer.fee_rule = lambda base_fee: max(base_fee, self._level)
        producer.listeners.append(self._on_block)
        producer.pin()

    def heal(self) -> None:
        """Leave the fee to the curve again."""
        self._chain.catch_up()
        producer = self._chain.producer
        if self._on_block in producer.listeners:
            producer.listeners.remove(self._on_block)
            producer.fee_rule = None
            producer.pin()

    def _on_block(self, mined: Mined) -> None:
        self.bites += mined.base_fee >= self._level
