"""A provider refuses eth_getLogs over too many blocks."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.kind import FaultKind
from lab.faults.replicas.replica import height_of
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnEndpoint
from lab.faults.transport.policy import Effect
from lab.rpc import RpcRefused


class LogRangeLimit(OnEndpoint):
    """The provider refuses eth_getLogs over more than so many blocks."""

    example: ClassVar[str] = "fault: log_range_limit\nchain: arbitrum\nblocks: 10\nfor: 2m"

    fault: Literal["log_range_limit"]
    blocks: int = Field(ge=1, le=10**6, description="the widest range it answers")


INVALID_PARAMS = -32602


class LogRangeLimitFault(RequestFault):
    """Refuses wider ranges in the words that providers use. Activations: refusals."""

    counts_hits = False
    verb = "refused"
    methods = frozenset(("eth_getLogs",))

    def __init__(self, context: FaultContext, fault_id: str, spec: LogRangeLimit) -> None:
        super().__init__(context, fault_id, spec)
        self._chain = context.chains[spec.chain]
        self._blocks = spec.blocks

    def on_hit(self, method: str) -> Effect:
        """Look at the range when it arrives: what `latest` means is known then."""
        return Effect(asks=(self._measured,))

    def _measured(self, params: list[Any]) -> list[Any]:
        query = params[0] if params and isinstance(params[0], dict) else {}
        if "blockHash" in query:
            return params
        head = self._chain.producer.head.number
        first = height_of(query.get("fromBlock", "latest"), head, self._chain)
        last = height_of(query.get("toBlock", "latest"), head, self._chain)
        if first is not None and last is not None and last - first + 1 > self._blocks:
            self.activations += 1
            text = f"query exceeds max block range {self._blocks}: got {last - first + 1}"
            raise RpcRefused("eth_getLogs", INVALID_PARAMS, text)
        return params


KIND = FaultKind(
    spec=LogRangeLimit, activate=LogRangeLimitFault, not_drawn="acts only after a long absence of the relayer"
)
