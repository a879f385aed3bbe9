"""Finality stands still while blocks come: who waits for `finalized` waits, who takes the head for final is wrong.

As on Polygon on 2025-09-10 (a bad milestone, 10 to 15 minutes) and on Ethereum in May 2023.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, ClassVar, Literal

from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, on_chain
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnChain
from lab.faults.transport.policy import Effect
from lab.networks.profile import NetworkProfile

# Where a request names its blocks in an object: a query for logs, and a block as EIP-1898 writes it.
KEYS = ("fromBlock", "toBlock", "blockNumber")

# More states than these a node does not keep in a reasonable memory.
STATES_MAX = 2_000


class FinalityStall(OnChain):
    """Finality stands still while blocks come: `safe` and `finalized` stay, and jump to where they would be at the end.

    Only for a chain whose finality is a tag: who counts blocks or seconds sees nothing of it.
    """

    example: ClassVar[str] = "fault: finality_stall\nchain: polygon\nfor: 4m"
    needs_tag: ClassVar[bool] = True
    holds_finality: ClassVar[bool] = True

    fault: Literal["finality_stall"]

    def states_blocks(self, profile: NetworkProfile, timeout_ms: int) -> int:
        """Of those since finality has stood still."""
        lasts_ms = self.for_ms if self.for_ms is not None else timeout_ms
        return min(STATES_MAX, lasts_ms // profile.block_time_ms + profile.tag_depth_blocks)


class FinalityStallFault(RequestFault):
    """The tags stand where they were. Activations: requests by a tag that should have met a later block."""

    counts_hits = False

    def __init__(self, context: FaultContext, fault_id: str, spec: FinalityStall) -> None:
        super().__init__(context, fault_id, spec)
        self._chain = context.chains[spec.chain]
        self._id = fault_id
        self._asked = 0
        self._stood_at: int | None = None

    @property
    def proof(self) -> str:
        """Where it stood, and for whom."""
        return (
            f"finality stood at block {self._stood_at}, {self.activations} of {self._asked} questions for it met that"
        )

    def inject(self) -> None:
        self._chain.catch_up()
        self._chain.hold_finality(self._id)
        self._stood_at = self._chain.tagged("finalized", self._chain.producer.head.number)
        super().inject()

    def heal(self) -> None:
        """Finality is where it would have been, unless another fault still holds it."""
        super().heal()
        self._chain.release_finality(self._id)

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
        self.activations += number < max(0, head - self._chain.profile.tag_depth(ref))
        return hex(number)


def draw(rng: random.Random, case: DrawContext) -> DrawnFault | None:
    """Where a leg waits on a chain whose finality is a tag; for less and for more than a window."""
    tagged = {chain.name for chain in case.chains if chain.tagged}
    legs = tuple(leg for leg in case.legs if leg.chain in tagged)
    if not legs:
        return None
    # One a chain: a second would show the same.
    drawn = on_chain("finality_stall", rng, replace(case, legs=legs), span_s=(10, 2 * case.window_s))
    return replace(drawn, resource=f"finality:{drawn.step['chain']}")


KIND = FaultKind(spec=FinalityStall, activate=FinalityStallFault, draw=draw)
