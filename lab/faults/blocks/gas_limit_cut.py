"""Blocks hold less gas, so that transactions wait: congestion."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from pydantic import Field

from lab.chains.producer import Mined
from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, on_chain
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain


class GasLimitCut(OnChain):
    """Blocks hold less gas, so that transactions wait."""

    example: ClassVar[str] = "fault: gas_limit_cut\nchain: polygon\ngas_limit: 400000\nfor: 1m"

    fault: Literal["gas_limit_cut"]
    gas_limit: int = Field(ge=21_000, le=10**12, description="block gas limit while the fault lasts")


class GasLimitCutFault:
    """Cuts the block gas limit. Activations: blocks that left executable transactions waiting in the pool."""

    def __init__(self, context: FaultContext, fault_id: str, spec: GasLimitCut) -> None:
        self._chain = context.chains[spec.chain]
        self._gas_limit = spec.gas_limit
        self._most_waiting = 0
        self.activations = 0

    @property
    def proof(self) -> str:
        """How many blocks were too small, and for how many transactions."""
        return f"{self.activations} blocks left transactions waiting, {self._most_waiting} at most"

    def inject(self) -> None:
        """Cut the limit from the next block on."""
        self._chain.catch_up()
        self._chain.producer.listeners.append(self._on_block)
        self._chain.producer.set_gas_limit(self._gas_limit)

    def heal(self) -> None:
        """Give the profile's limit back."""
        self._chain.catch_up()
        producer = self._chain.producer
        if self._on_block in producer.listeners:
            producer.listeners.remove(self._on_block)
            producer.set_gas_limit(self._chain.profile.gas_limit)

    def _on_block(self, mined: Mined) -> None:
        self.activations += mined.waiting > 0
        self._most_waiting = max(self._most_waiting, mined.waiting)


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """Room for one or two of the contract's smaller calls a block."""
    return on_chain(
        "gas_limit_cut",
        rng,
        context,
        low_s=30,
        high_s=60,
        early=True,
        gas_limit=rng.choice((100_000, 150_000, 300_000)),
    )


KIND = FaultKind(spec=GasLimitCut, activate=GasLimitCutFault, draw=draw)
