"""Finality stands still while blocks come: who waits for `finalized` waits, who takes the head for final is wrong.

As on Polygon on 2025-09-10 (a bad milestone, 10 to 15 minutes) and on Ethereum in May 2023.
"""

from __future__ import annotations

from typing import Any

from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.requests import RequestFault
from lab.scenario.faults import FinalityStall

# Where a request names its blocks in an object: a query for logs, and a block as EIP-1898 writes it.
KEYS = ("fromBlock", "toBlock", "blockNumber")


class FinalityStallFault(RequestFault):
    """The tags stand where they were. Bites: requests by a tag that would have been told a later block."""

    counts_hits = False

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: FinalityStall) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._chain = surroundings.chains[spec.chain]
        self._asked = 0
        self._stood_at: int | None = None

    @property
    def proof(self) -> str:
        """Where it stood, and for whom."""
        return f"finality stood at block {self._stood_at}, {self.bites} of {self._asked} questions for it met that"

    def inject(self) -> None:
        """What is final now stays the last block that is."""
        self._chain.catch_up()
        self._chain.hold_finality()
        self._stood_at = self._chain.tagged("finalized", self._chain.producer.head.number)
        super().inject()

    def heal(self) -> None:
        """Finality is where it would have been."""
        super().heal()
        self._chain.release_finality()

    def on_hit(self, method: str) -> Effect:
        """Look for a tag when the request arrives: any method may name one."""
        return Effect(asks=(self._ask,))

    def _ask(self, params: list[Any]) -> list[Any]:
        return [self._named(param) for param in params]

    def _named(self, param: Any) -> Any:
        if isinstance(param, dict):
            return {key: self._block(value) if key in KEYS else value for key, value in param.items()}
        return self._block(param)

    def _block(self, ref: Any) -> Any:
        if ref not in ("safe", "finalized"):
            return ref
        head = self._chain.producer.head.number
        number = self._chain.tagged(ref, head)
        self._asked += 1
        self.bites += number < max(0, head - self._chain.profile.tag_depth(ref))
        return hex(number)
