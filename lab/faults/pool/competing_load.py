"""Somebody else's transactions compete for a chain's blocks."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from lab.chains.mined import Mined
from lab.faults.blocks.base import BlockFault
from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, on_chain
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain
from lab.model.units import Wei
from lab.networks.slots import Slot
from lab.rpc import RpcRefused


class CompetingLoad(OnChain):
    """Somebody else's transactions compete for the blocks, with a better tip than the relayer's."""

    example: ClassVar[str] = "fault: competing_load\nchain: optimism\ntps: 20\ngas: 1000000\nfor: 1m"
    prices_out: ClassVar[bool] = True

    fault: Literal["competing_load"]
    tps: float = Field(gt=0, le=500, description="transactions a second")
    gas: int = Field(default=500_000, ge=60_000, le=30_000_000, description="what each of them uses")
    tip: Wei | None = Field(default=None, description="what each offers above the base fee; omitted: twice a usual tip")


# An account of the node's own that no role uses: the node signs for it.
FILLER = 7
USUAL_TIP_WEI = 10**9
# It goes on while the base fee rises to so many times what it was.
HEADROOM = 20
# What waits is bounded: nobody goes on sending into a pool that holds this many blocks' worth of theirs.
BACKLOG_BLOCKS = 3
# Creates a contract with the opcode INVALID: it fails, and uses all the gas that it declares.
INVALID = "0xfe"


class CompetingLoadFault(BlockFault):
    """Hands over, before each block, what was sent since the last one. Activations: those that were mined."""

    def __init__(self, context: FaultContext, fault_id: str, spec: CompetingLoad) -> None:
        super().__init__(context, spec, before_block=self._send, listeners=self._on_block)
        self._scheduler = context.scheduler
        self._tps, self._gas = spec.tps, spec.gas
        self._tip = spec.tip if spec.tip is not None else 2 * max(USUAL_TIP_WEI, self._chain.profile.min_tip_wei)
        self._since_ms = 0
        self._owed = 0.0
        self._waiting: set[str] = set()
        self._full = 0
        self._account = ""
        self._max_fee = 0

    @property
    def proof(self) -> str:
        """How many got in, and how full the blocks were."""
        return (
            f"{self.activations} transactions mined of somebody else's, {self._full} blocks left transactions waiting"
        )

    def inject(self) -> None:
        """Start sending. What waits when it is healed is mined like anything else."""
        self._account = str(self._chain.look().call("eth_accounts")[FILLER])
        # The same for all: the lab's node takes a higher offer first, and drops it if an earlier nonce still waits.
        self._max_fee = HEADROOM * self._producer.next_base_fee() + self._tip
        self._since_ms = self._scheduler.now_ms
        super().inject()

    def _send(self, slot: Slot) -> None:
        producer = self._producer
        self._owed += self._tps * max(0, slot.t_ms - self._since_ms) / 1000
        self._since_ms = max(self._since_ms, slot.t_ms)
        most = max(1, BACKLOG_BLOCKS * producer.gas_limit // self._gas)
        count, self._owed = min(int(self._owed), most - len(self._waiting)), self._owed % 1
        request = {
            "from": self._account,
            "data": INVALID,
            "gas": hex(min(self._gas, producer.gas_limit)),
            "maxFeePerGas": hex(self._max_fee),
            "maxPriorityFeePerGas": hex(self._tip),
        }
        for _ in range(count):
            producer.pool_may_hold = True
            try:
                tx_hash = str(producer.rpc.call("eth_sendTransaction", request))
                self._chain.expect(tx_hash)
                self._waiting.add(tx_hash)
            except RpcRefused:
                # Outrun by the base fee, most likely: the next block has another.
                break

    def _on_block(self, mined: Mined) -> None:
        held = {tx["hash"] for tx in mined.body["transactions"]} if mined.body is not None else set()
        self.activations += len(held & self._waiting)
        self._waiting -= held
        self._full += mined.waiting > 0


def draw(rng: random.Random, case: DrawContext) -> DrawnFault:
    """Up to a block and a half of somebody else's gas."""
    drawn = on_chain("competing_load", rng, case, span_s=(10, 40), early=True, tps=0, gas=2_000_000)
    block_time_ms = case.chain(drawn.step["chain"]).block_time_ms
    tps = round(20_000 / block_time_ms * rng.choice((0.3, 1, 2)), 2)
    return replace(drawn, step=drawn.step | {"tps": min(tps, 40)})


KIND = FaultKind(spec=CompetingLoad, activate=CompetingLoadFault, draw=draw)
