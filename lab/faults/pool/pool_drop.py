"""All transactions in a node's pool vanish."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain
from lab.model.units import DurationMs


class PoolDrop(OnChain):
    """All transactions in the node's pool vanish."""

    example: ClassVar[str] = "fault: pool_drop\nchain: ethereum\nevery: 3s\nfor: 30s"

    fault: Literal["pool_drop"]
    every_ms: Annotated[DurationMs, Field(ge=100)] | None = Field(
        default=None, alias="every", description="again and again; omitted: once, when the fault starts"
    )


class PoolDropFault:
    """Once, or again and again. Activations: transactions that vanished."""

    def __init__(self, context: FaultContext, fault_id: str, spec: PoolDrop) -> None:
        self._chain = context.chains[spec.chain]
        self._scheduler = context.scheduler
        self._every_ms = spec.every_ms
        self._healed = False
        self.activations = 0

    @property
    def proof(self) -> str:
        return f"{self.activations} transactions vanished from the pool"

    def inject(self) -> None:
        self._drop()

    def heal(self) -> None:
        self._healed = True

    def _drop(self) -> None:
        if self._healed:
            return
        if self._chain.condition == "up":
            self.activations += self._chain.drop_pool()
        if self._every_ms is not None:
            self._scheduler.at(self._scheduler.now_ms + self._every_ms, self._drop)


KIND = FaultKind(
    spec=PoolDrop,
    activate=PoolDropFault,
    draw=lambda rng, case: on_chain(
        "pool_drop", rng, case, span_s=(20, 60), early=True, every=rng.choice(("700ms", "3s"))
    ),
)
