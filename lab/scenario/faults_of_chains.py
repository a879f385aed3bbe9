"""Faults of nodes, chains, fees and pools, as a scenario file writes them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from lab.model.units import DurationMs, Wei
from lab.scenario.common import Name, fault_at
from lab.scenario.fault_base import Fault, OnChain

PRUNE_LIMIT_BLOCKS = 200
"""The nodes keep the state of this many blocks: a deeper reorg has nothing to go back to."""


def _within_kept_state(depth: int) -> int:
    if depth > PRUNE_LIMIT_BLOCKS:
        raise ValueError(f"expected at most {PRUNE_LIMIT_BLOCKS} blocks (the nodes keep no older state), got {depth}")
    return depth


class NodePause(OnChain):
    """The node stops answering and mining, and continues where it was when it is healed."""

    example: ClassVar[str] = "fault: node_pause\nchain: optimism\nfor: 20s"

    fault: Literal["node_pause"]


class NodeKill(OnChain):
    """The node is killed. When it is healed it starts again from its state; its transaction pool is lost."""

    example: ClassVar[str] = "fault: node_kill\nchain: ethereum\nrestart_after: 15s"

    fault: Literal["node_kill"]
    restart_after_ms: DurationMs | None = Field(
        default=None, alias="restart_after", description="start again after this time; omitted: when it is healed"
    )


class SlowStart(OnChain):
    """The node is killed, and when it is back it refuses every request for a while."""

    example: ClassVar[str] = "fault: slow_start\nchain: ethereum\nrestart_after: 5s\nrefuses: 30s"

    fault: Literal["slow_start"]
    restart_after_ms: DurationMs = Field(
        default=5_000, alias="restart_after", description="start again after this time"
    )
    refuses_ms: DurationMs = Field(alias="refuses", description="how long it refuses once it has started")


class StateLost(OnChain):
    """The node is killed and has lost its state. Back again, it syncs from its peers, from the first block on."""

    example: ClassVar[str] = "fault: state_lost\nchain: ethereum\nrestart_after: 5s\nresync: 1m"

    fault: Literal["state_lost"]
    restart_after_ms: DurationMs = Field(
        default=5_000, alias="restart_after", description="start again after this time"
    )
    resync_ms: DurationMs = Field(alias="resync", gt=0, description="how long it takes to have the whole chain again")


class Halt(OnChain):
    """The chain makes no blocks; its nodes answer."""

    example: ClassVar[str] = "fault: halt\nchain: polygon\nfor: 40s"

    fault: Literal["halt"]


class FinalityStall(OnChain):
    """Finality stands still while blocks come: `safe` and `finalized` stay where they are, then jump to where they
    would be. Only for a chain whose finality is a tag: who counts blocks or seconds sees nothing of it."""

    example: ClassVar[str] = "fault: finality_stall\nchain: polygon\nfor: 4m"

    fault: Literal["finality_stall"]


class MissedSlots(OnChain):
    """Some slots stay without a block."""

    example: ClassVar[str] = "fault: missed_slots\nchain: ethereum\nshare: 0.5\nfor: 2m"

    fault: Literal["missed_slots"]
    share: float = Field(gt=0, le=1, description="the share of slots without a block")


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


class EqualTimestamps(OnChain):
    """The next blocks carry the timestamp of the one before. For chains with several blocks a second."""

    example: ClassVar[str] = "fault: equal_timestamps\nchain: base\nblocks: 40"

    fault: Literal["equal_timestamps"]
    blocks: int = Field(ge=1, le=10_000, description="how many blocks")


class Reorg(Fault):
    """The last blocks of a chain are replaced by others. It happens at once, and so it cannot be healed."""

    example: ClassVar[str] = "id: lose-parent\nat: 36s\nfault: reorg\nchain: ethereum\ndepth: 3\norphans: dropped"

    fault: Literal["reorg"]
    chain: Name = Field(description="the chain it acts on")
    depth: Annotated[int, AfterValidator(_within_kept_state)] = Field(
        ge=1, description=f"number of blocks replaced, at most {PRUNE_LIMIT_BLOCKS}"
    )
    orphans: Literal["dropped", "requeued"] = Field(
        default="dropped", description="what happens to the transactions of the replaced blocks"
    )


class BaseFeeSpike(OnChain):
    """The base fee jumps, and decays by the network's own fee curve when it is healed."""

    example: ClassVar[str] = "fault: base_fee_spike\nchain: ethereum\nfactor: 10\nfor: 2m"

    fault: Literal["base_fee_spike"]
    factor: float | None = Field(default=None, gt=1, le=1_000_000, description="multiplies the base fee; or give wei")
    wei: Wei | None = Field(default=None, description="the base fee itself, such as 300 gwei; or give factor")

    @model_validator(mode="after")
    def _one_measure(self) -> BaseFeeSpike:
        if (self.factor is None) == (self.wei is None):
            got = "none" if self.factor is None else "both"
            raise fault_at(f"expected exactly one of factor and wei, got {got}")
        return self


class GasLimitCut(OnChain):
    """Blocks hold less gas, so that transactions wait."""

    example: ClassVar[str] = "fault: gas_limit_cut\nchain: polygon\ngas_limit: 400000\nfor: 1m"

    fault: Literal["gas_limit_cut"]
    gas_limit: int = Field(ge=21_000, le=10**12, description="block gas limit while the fault lasts")


class PoolDrop(OnChain):
    """All transactions in the node's pool vanish."""

    example: ClassVar[str] = "fault: pool_drop\nchain: ethereum\nevery: 3s\nfor: 30s"

    fault: Literal["pool_drop"]
    every_ms: Annotated[DurationMs, Field(ge=100)] | None = Field(
        default=None, alias="every", description="again and again; omitted: once, when the fault starts"
    )


class CompetingLoad(OnChain):
    """Somebody else's transactions compete for the blocks, with a better tip than the relayer's."""

    example: ClassVar[str] = "fault: competing_load\nchain: optimism\ntps: 20\ngas: 1000000\nfor: 1m"

    fault: Literal["competing_load"]
    tps: float = Field(gt=0, le=500, description="transactions a second")
    gas: int = Field(default=500_000, ge=60_000, le=30_000_000, description="what each of them uses")
    tip: Wei | None = Field(default=None, description="what each offers above the base fee; omitted: twice a usual tip")
