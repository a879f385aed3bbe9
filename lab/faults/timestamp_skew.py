"""A chain's clock is ahead of the others, or behind."""

from __future__ import annotations

from lab.chains.producer import Mined
from lab.faults.base import Surroundings
from lab.scenario.faults import TimestampSkew


class TimestampSkewFault:
    """Blocks carry a time that is off by so many seconds. Bites: blocks that do.

    No block is older than its parent, and where blocks are a second apart or more each is younger: a clock that is set
    back stands until the others have caught up.
    """

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: TimestampSkew) -> None:
        self._chain = surroundings.chains[spec.chain]
        self._seconds = self._now_s = spec.seconds
        self._least = 1 if self._chain.profile.block_time_ms >= 1000 else 0
        self._last = (0, 0)
        self.bites = 0

    @property
    def proof(self) -> str:
        """How many blocks."""
        where = "ahead of" if self._seconds > 0 else "behind"
        return f"{self.bites} blocks were up to {abs(self._seconds)} s {where} the others' time"

    def inject(self) -> None:
        """Set the clock."""
        self._chain.catch_up()
        producer = self._chain.producer
        producer.clock_rules.append(self._skewed)
        producer.listeners.append(self._on_block)
        producer.pin()

    def heal(self) -> None:
        """Set it right; ahead, it stands until time has caught up."""
        self._chain.catch_up()
        producer = self._chain.producer
        if self._on_block in producer.listeners:
            producer.listeners.remove(self._on_block)
            # The rule stays, for its blocks must still be younger than their parents.
            self._now_s = 0
            producer.pin()

    def _skewed(self, timestamp: int, parent: Mined) -> int:
        skewed = max(timestamp + self._now_s, parent.timestamp + self._least)
        self._last = (timestamp, skewed)
        return skewed

    def _on_block(self, mined: Mined) -> None:
        # Asked last for this very block, unless a reorg mines it again as it was.
        right, skewed = self._last
        self.bites += mined.timestamp == skewed != right
