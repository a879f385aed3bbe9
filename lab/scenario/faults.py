"""The faults a scenario may start, as the file writes them: `fault: KIND` with its parameters beside it.

How a fault acts is the business of `lab/faults`; every model here has its counterpart there.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from lab.model.units import DurationMs, Wei
from lab.scenario.common import AS_TUPLE, Name, StepBase, fault_at

PRUNE_LIMIT_BLOCKS = 200
"""The nodes keep the state of this many blocks: a deeper reorg has nothing to go back to."""


def _within_kept_state(depth: int) -> int:
    if depth > PRUNE_LIMIT_BLOCKS:
        raise ValueError(f"expected at most {PRUNE_LIMIT_BLOCKS} blocks (the nodes keep no older state), got {depth}")
    return depth


_COMMON = {"id", "at_ms", "because", "for_ms", "fault"}


class Fault(StepBase):
    """Starts a fault."""

    kind: ClassVar[str] = "fault"

    fault: str

    def chain_name(self) -> str | None:
        """The chain it acts on; None for a fault of the relayer."""
        return getattr(self, "chain", None)

    def params(self) -> dict[str, Any]:
        """The fault's own parameters, without the keys of a step and without those that were left out."""
        return self.model_dump(mode="json", exclude=_COMMON, exclude_none=True)


class LastingFault(Fault):
    """A fault that lasts until it is healed."""

    for_ms: DurationMs | None = Field(
        default=None, alias="for", description="heals itself after this time; omitted: by heal, or at the end"
    )


class OnChain(LastingFault):
    """A lasting fault of one chain."""

    chain: Name = Field(description="the chain it acts on")


class OnRequests(OnChain):
    """A lasting fault of the RPC requests that the system under test sends to one chain."""

    methods: Annotated[tuple[str, ...], Field(min_length=1), AS_TUPLE] | None = Field(
        default=None, description="RPC methods it hits; omitted: all"
    )
    share: float = Field(default=1.0, gt=0, le=1, description="the share of those requests that it hits")


class RpcError(OnRequests):
    """Requests are answered with an error."""

    example: ClassVar[str] = "fault: rpc_error\nchain: ethereum\nmethods: [eth_getLogs]\nshare: 0.5\nfor: 20s"

    fault: Literal["rpc_error"]
    code: int = Field(default=-32005, description="JSON-RPC error code")
    http_status: int | None = Field(default=None, ge=400, le=599, description="answer with this HTTP status instead")
    message: str = Field(default="limit exceeded", description="the error's message")


class RpcLatency(OnRequests):
    """Requests take longer."""

    example: ClassVar[str] = "fault: rpc_latency\nchain: optimism\ndelay: 800ms\njitter: 200ms"

    fault: Literal["rpc_latency"]
    delay_ms: DurationMs = Field(alias="delay", description="time added to each request")
    jitter_ms: DurationMs = Field(default=0, alias="jitter", description="up to this much more or less, from the seed")


class LostReply(OnRequests):
    """The node takes the request, and the answer never arrives."""

    example: ClassVar[str] = "fault: lost_reply\nchain: ethereum\ncount: 1"

    fault: Literal["lost_reply"]
    methods: Annotated[tuple[str, ...], Field(min_length=1), AS_TUPLE] | None = Field(
        default=("eth_sendRawTransaction",), description="RPC methods it hits"
    )
    count: int | None = Field(default=None, ge=1, description="stop after so many lost answers; omitted: no limit")


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


class RelayerKill(LastingFault):
    """The relayer is killed without a chance to clean up."""

    example: ClassVar[str] = "fault: relayer_kill\nrestart_after: 10s"

    fault: Literal["relayer_kill"]
    point: Name | None = Field(default=None, description="kill at this commit point of the relayer; omitted: at once")
    restart_after_ms: DurationMs | None = Field(
        default=None, alias="restart_after", description="start again after this time; omitted: when it is healed"
    )


FAULTS: dict[str, type[Fault]] = {
    "rpc_error": RpcError,
    "rpc_latency": RpcLatency,
    "lost_reply": LostReply,
    "node_pause": NodePause,
    "node_kill": NodeKill,
    "reorg": Reorg,
    "base_fee_spike": BaseFeeSpike,
    "gas_limit_cut": GasLimitCut,
    "relayer_kill": RelayerKill,
}
