"""Faults between the relayer and its endpoints, as a scenario file writes them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from lab.model.units import DurationMs
from lab.scenario.common import AS_TUPLE, Name, Role, fault_at
from lab.scenario.fault_base import OnChain, OnRequests

REPLICA_LAG_MAX = 32
"""Whatever the reorgs of a file, nodes keep the state of so many blocks."""


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


class Partition(OnChain):
    """The relayer and the node cannot reach each other, while the node goes on mining: requests vanish."""

    example: ClassVar[str] = "fault: partition\nchain: ethereum\nfor: 40s"

    fault: Literal["partition"]


class RpcReset(OnRequests):
    """The connection breaks in the middle of a request, before or after it reached the node."""

    example: ClassVar[str] = "fault: rpc_reset\nchain: optimism\nshare: 0.3\nforwarded: true"

    fault: Literal["rpc_reset"]
    forwarded: bool = Field(default=False, description="whether the request reaches the node first")


class RpcMalformed(OnRequests):
    """The node takes the request, and what comes back is no JSON-RPC answer."""

    example: ClassVar[str] = "fault: rpc_malformed\nchain: polygon\nmethods: [eth_getLogs]\nbody: html"

    fault: Literal["rpc_malformed"]
    body: Literal["truncated", "html"] = Field(
        default="truncated", description="the first half of the answer, or a gateway's error page"
    )


class DuplicateDelivery(OnChain):
    """Raw transactions reach the node twice, and what comes back is its answer to the second."""

    example: ClassVar[str] = "fault: duplicate_delivery\nchain: optimism\nfor: 1m"

    fault: Literal["duplicate_delivery"]


class StaleHead(OnChain):
    """The relayer's endpoint is a replica that is some blocks behind: heads, logs, state and nonces are old."""

    example: ClassVar[str] = "fault: stale_head\nchain: ethereum\nblocks: 3\nfor: 1m"

    fault: Literal["stale_head"]
    blocks: int = Field(ge=1, le=REPLICA_LAG_MAX, description="how far behind it is")


class InconsistentReplicas(StaleHead):
    """The relayer's endpoint spreads requests over replicas, some of which are behind."""

    example: ClassVar[str] = "fault: inconsistent_replicas\nchain: ethereum\nblocks: 3\nshare: 0.5\nfor: 1m"

    fault: Literal["inconsistent_replicas"]  # type: ignore[assignment]
    share: float = Field(default=0.5, gt=0, le=1, description="the share of requests that a lagging one answers")


class MissingLogs(OnChain):
    """Answers to eth_getLogs leave logs out, or have them in the wrong order."""

    example: ClassVar[str] = "fault: missing_logs\nchain: polygon\nshare: 0.5\nfor: 1m"

    fault: Literal["missing_logs"]
    share: float = Field(default=1.0, ge=0, le=1, description="the share of logs left out")
    order: Literal["kept", "reversed"] = Field(default="kept", description="the order of those that are left")

    @model_validator(mode="after")
    def _does_something(self) -> MissingLogs:
        if self.share == 0 and self.order == "kept":
            raise fault_at("expected a share above 0, or order: reversed: this leaves every answer as it is", "share")
        return self


class LogRangeLimit(OnChain):
    """The provider refuses eth_getLogs over more than so many blocks."""

    example: ClassVar[str] = "fault: log_range_limit\nchain: arbitrum\nblocks: 10\nfor: 2m"

    fault: Literal["log_range_limit"]
    blocks: int = Field(ge=1, le=10**6, description="the widest range it answers")


class WrongChainId(OnChain):
    """The endpoint says that it is another network."""

    example: ClassVar[str] = "fault: wrong_chain_id\nchain: optimism\nchain_id: 1"

    fault: Literal["wrong_chain_id"]
    chain_id: int = Field(ge=1, lt=2**53, description="the chain id that it answers with")


class HugeResponse(OnRequests):
    """Answers are huge: more than any client should hold."""

    example: ClassVar[str] = "fault: huge_response\nchain: polygon\nmethods: [eth_getLogs]\nmib: 65\nshare: 0.1"

    fault: Literal["huge_response"]
    mib: int = Field(default=65, ge=1, le=128, description="size of an answer in MiB; the lab's clients take 64")


class SwappedNodes(OnChain):
    """The relayer's endpoints of two chains are exchanged: each answers for the other."""

    example: ClassVar[str] = "fault: swapped_nodes\nchain: polygon\nother: optimism\nfor: 30s"

    fault: Literal["swapped_nodes"]
    other: Name = Field(description="the chain whose endpoint it is exchanged with")


class PoolFull(OnChain):
    """The node's pool takes no more transactions."""

    example: ClassVar[str] = "fault: pool_full\nchain: polygon\nfor: 30s"

    fault: Literal["pool_full"]


class StuckNonce(OnChain):
    """A transaction of the relayer's account that pays far too little occupies its next nonce in the pool."""

    example: ClassVar[str] = "fault: stuck_nonce\nchain: ethereum\nfor: 2m"

    fault: Literal["stuck_nonce"]
    role: Role = Field(default="relayer", description="whose nonce")
