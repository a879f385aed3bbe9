"""An endpoint says that it is another network."""

from __future__ import annotations

from typing import Any

from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.requests import RequestFault
from lab.scenario.faults import WrongChainId


class WrongChainIdFault(RequestFault):
    """Answers with another chain id to whoever asks. Bites: those answers; nobody who does not ask is fooled."""

    verb = "answered wrongly"

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: WrongChainId) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._methods = frozenset(("eth_chainId", "net_version"))
        self._chain_id = spec.chain_id

    def on_hit(self, method: str) -> Effect:
        """Lie."""
        answer: Any = hex(self._chain_id) if method == "eth_chainId" else str(self._chain_id)
        return Effect(rewrites=(lambda result: answer,))
