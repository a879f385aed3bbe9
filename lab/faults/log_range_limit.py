"""A provider refuses eth_getLogs over too many blocks."""

from __future__ import annotations

from typing import Any

from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.replica import height_of
from lab.faults.requests import RequestFault
from lab.rpc import RpcRefused
from lab.scenario.faults import LogRangeLimit

INVALID_PARAMS = -32602


class LogRangeLimitFault(RequestFault):
    """Refuses wider ranges in the words that providers use. Bites: refusals."""

    counts_hits = False
    verb = "refused"

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: LogRangeLimit) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._methods = frozenset(("eth_getLogs",))
        self._chain = surroundings.chains[spec.chain]
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
            self.bites += 1
            text = f"query exceeds max block range {self._blocks}: got {last - first + 1}"
            raise RpcRefused("eth_getLogs", INVALID_PARAMS, text)
        return params
