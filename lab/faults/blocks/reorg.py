"""The last blocks of a chain are replaced by others."""

from __future__ import annotations

import random
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from lab.faults.context import FaultContext
from lab.faults.drawing import REST_MS, DrawContext, DrawnFault, seconds
from lab.faults.kind import FaultKind
from lab.faults.spec import Fault
from lab.model.step import Name

PRUNE_LIMIT_BLOCKS = 200
"""The nodes keep the state of this many blocks: a deeper reorg has nothing to go back to."""


def _within_kept_state(depth: int) -> int:
    if depth > PRUNE_LIMIT_BLOCKS:
        raise ValueError(f"expected at most {PRUNE_LIMIT_BLOCKS} blocks (the nodes keep no older state), got {depth}")
    return depth


class Reorg(Fault):
    """The last blocks of a chain are replaced by others. It happens at once, and so it cannot be healed."""

    example: ClassVar[str] = "id: lose-parent\nat: 36s\nfault: reorg\nchain: ethereum\ndepth: 3\norphans: dropped"
    recorded_elsewhere: ClassVar[bool] = True

    fault: Literal["reorg"]
    chain: Name = Field(description="the chain it acts on")
    depth: Annotated[int, AfterValidator(_within_kept_state)] = Field(
        ge=1, description=f"number of blocks replaced, at most {PRUNE_LIMIT_BLOCKS}"
    )
    orphans: Literal["dropped", "requeued"] = Field(
        default="dropped", description="what happens to the transactions of the replaced blocks"
    )

    @property
    def reorg_depth_blocks(self) -> int:
        return self.depth


class ReorgFault:
    """Happens at once. Activations: transactions that lost their block; replacing only empty blocks proves nothing."""

    def __init__(self, context: FaultContext, fault_id: str, spec: Reorg) -> None:
        self._chain = context.chains[spec.chain]
        self._spec = spec
        self.activations = 0
        self.proof = "not yet"

    def inject(self) -> None:
        orphaned = self._chain.reorg(self._spec.depth, requeue=self._spec.orphans == "requeued")
        self.activations = len(orphaned)
        self.proof = f"{self._spec.depth} blocks replaced, {len(orphaned)} transactions orphaned ({self._spec.orphans})"

    def heal(self) -> None:
        """Nothing to heal: the new branch is the chain."""


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """Aimed at a buffering, a resolution or an execution; mostly within the finality that the chain declares."""
    leg, chain = context.busy_leg(rng)
    block_ms = chain.block_time_ms
    target_ms = rng.choice((round(leg.buffered_s * 1000), leg.at_s * 1000, leg.at_s * 1000 + 3 * block_ms))
    begin_ms = target_ms + round(rng.uniform(1, 4) * block_ms / 100) * 100 + rng.choice((0, 2_000, 5_000))
    if chain.mines_empty_blocks:
        begin_ms = max(begin_ms, 4 * block_ms)
        reach = min((begin_ms - target_ms) // block_ms + 2, begin_ms // block_ms - 2, 60)
        depth = reach if chain.depth is None or rng.random() < 0.1 else min(reach, chain.depth)
    else:
        # It has a block for each few transactions, and the one of the set-up stays.
        depth = 1
    step = {"at": seconds(begin_ms), "fault": "reorg", "chain": chain.name, "depth": max(1, depth)}
    step["orphans"] = rng.choice(("dropped", "requeued"))
    return DrawnFault(step, begin_ms, begin_ms + REST_MS, f"node:{chain.name}")


KIND = FaultKind(spec=Reorg, activate=ReorgFault, draw=draw)
