"""A chain's clock is ahead of the others, or behind."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from lab.chains.mined import Mined
from lab.faults.blocks.base import BlockFault, of_next_block
from lab.faults.context import FaultContext
from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain
from lab.faults.transport.policy import Effect
from lab.model.step import fault_at


class TimestampSkew(OnChain):
    """The chain's clock is ahead of the others, or behind. It never goes back: until it may go on it stands."""

    example: ClassVar[str] = "fault: timestamp_skew\nchain: optimism\nseconds: 20\nfor: 2m"

    fault: Literal["timestamp_skew"]
    seconds: int = Field(ge=-300, le=300, description="above 0: ahead, below: behind")

    @model_validator(mode="after")
    def _does_something(self) -> TimestampSkew:
        if self.seconds == 0:
            raise fault_at("expected seconds above 0 (ahead) or below (behind), got 0", "seconds")
        return self

    @property
    def outlasts_ms(self) -> int:
        """A clock that was ahead stands still until time has caught up with it."""
        return max(0, self.seconds) * 1000


class TimestampSkewFault(BlockFault):
    """Blocks carry a time that is off by so many seconds. Activations: blocks that do, and answers about the next.

    No block is older than its parent, and where blocks are a second apart or more each is younger: a clock that is set
    back stands until the others have caught up. Where no block comes, an estimate of gas meets that time all the same.
    """

    shows_in = frozenset(("eth_call", "eth_estimateGas", "eth_getBlockByNumber"))

    def __init__(self, context: FaultContext, fault_id: str, spec: TimestampSkew) -> None:
        super().__init__(context, spec, listeners=self._on_block)
        self._seconds = self._now_s = spec.seconds
        self._least = 1 if self._chain.profile.block_time_ms >= 1000 else 0
        self._last = (0, 0)
        self._met = 0

    @property
    def proof(self) -> str:
        where = "ahead of" if self._seconds > 0 else "behind"
        blocks = self.activations - self._met
        return (
            f"{blocks} blocks were up to {abs(self._seconds)} s {where} the others' time, as were {self._met} answers"
        )

    def inject(self) -> None:
        self._chain.catch_up()
        self._producer.clock_rules.append(self._skewed)
        super().inject()

    def heal(self) -> None:
        """Set it right. The rule stays, for its blocks must still be younger than their parents."""
        self._chain.catch_up()
        self._now_s = 0
        super().heal()

    def on_request(self, method: str) -> Effect:
        """Look at which block it is about when it arrives."""

        def ask(params: list[Any]) -> list[Any]:
            right, skewed = self._last
            if right != skewed and of_next_block(method, params):
                self._met += 1
                self.activations += 1
            return params

        return Effect(asks=(ask,))

    def _skewed(self, timestamp: int, parent: Mined) -> int:
        skewed = max(timestamp + self._now_s, parent.timestamp + self._least)
        self._last = (timestamp, skewed)
        return skewed

    def _on_block(self, mined: Mined) -> None:
        # Asked last for this very block, unless a reorg mines it again as it was.
        right, skewed = self._last
        self.activations += mined.timestamp == skewed != right


KIND = FaultKind(
    spec=TimestampSkew,
    activate=TimestampSkewFault,
    draw=lambda rng, case: on_chain(
        "timestamp_skew", rng, case, span_s=(20, 60), early=True, seconds=rng.choice((-20, -5, 3, 10, 25))
    ),
)
