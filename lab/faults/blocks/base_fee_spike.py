"""The base fee jumps, and comes down by the network's own curve when it is healed."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from lab.chains.mined import Mined
from lab.faults.blocks.base import BlockFault, of_next_block
from lab.faults.context import FaultContext
from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain
from lab.faults.transport.methods import SENDS, named_alike
from lab.faults.transport.policy import Effect
from lab.faults.transport.raw_transaction import decode_raw
from lab.model.step import fault_at
from lab.model.units import Wei


class BaseFeeSpike(OnChain):
    """The base fee jumps, and decays by the network's own fee curve when it is healed."""

    example: ClassVar[str] = "fault: base_fee_spike\nchain: ethereum\nfactor: 10\nfor: 2m"
    prices_out: ClassVar[bool] = True

    fault: Literal["base_fee_spike"]
    factor: float | None = Field(default=None, gt=1, le=1_000_000, description="multiplies the base fee; or give wei")
    wei: Wei | None = Field(default=None, description="the base fee itself, such as 300 gwei; or give factor")

    @model_validator(mode="after")
    def _one_measure(self) -> BaseFeeSpike:
        if (self.factor is None) == (self.wei is None):
            got = "none" if self.factor is None else "both"
            raise fault_at(f"expected exactly one of factor and wei, got {got}")
        return self


class BaseFeeSpikeFault(BlockFault):
    """Every block while it lasts has at least the spiked base fee. Activations: blocks, answers, refusals.

    Who is told of it may wait, and where nobody sends, or all offer less, there may be no block.
    """

    shows_in = frozenset(("eth_gasPrice", "eth_feeHistory", "eth_getBlockByNumber", *SENDS))

    def __init__(self, context: FaultContext, fault_id: str, spec: BaseFeeSpike) -> None:
        super().__init__(context, spec, fee_rules=self._spiked, listeners=self._on_block)
        self._spec = spec
        self._level = self._answers = self._refusals = 0

    @property
    def proof(self) -> str:
        """Blocks, answers, and offers that a node refuses for it."""
        blocks = self.activations - self._answers - self._refusals
        refused = f", {self._refusals} offers came below it" if self._refusals else ""
        answers = f"{self._answers} answers told of it"
        return f"{blocks} blocks mined at a base fee of {self._level} wei or more, {answers}{refused}"

    def inject(self) -> None:
        """Raise the fee from the next block on, from what it is now."""
        self._chain.catch_up()
        before = self._producer.head.base_fee
        self._level = self._spec.wei if self._spec.wei is not None else int(before * (self._spec.factor or 1))
        super().inject()

    def on_request(self, method: str) -> Effect:
        """Look at what is asked for, or offered, when it arrives."""

        def offered(params: list[Any]) -> list[Any]:
            sent = decode_raw(params[0]) if params else None
            below = sent is not None and sent.max_fee_per_gas < self._level
            self._refusals += below
            self.activations += below
            return params

        def ask(params: list[Any]) -> list[Any]:
            newest = params[1] if method == "eth_feeHistory" and len(params) > 1 else None
            if newest in ("latest", "pending") or method == "eth_gasPrice" or of_next_block(method, params):
                self._answers += 1
                self.activations += 1
            return params

        return Effect(asks=(ask if SENDS.isdisjoint(named_alike(method)) else offered,))

    def _spiked(self, base_fee: int) -> int:
        return max(base_fee, self._level)

    def _on_block(self, mined: Mined) -> None:
        self.activations += mined.base_fee >= self._level


KIND = FaultKind(
    spec=BaseFeeSpike,
    activate=BaseFeeSpikeFault,
    draw=lambda rng, case: on_chain("base_fee_spike", rng, case, span_s=(10, 45), factor=rng.choice((2, 5, 20, 100))),
)
