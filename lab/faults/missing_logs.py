"""Answers to eth_getLogs leave logs out, or have them in the wrong order."""

from __future__ import annotations

from typing import Any

from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.requests import RequestFault
from lab.scenario.faults import MissingLogs


class MissingLogsFault(RequestFault):
    """As behind an index that lags or loses. Bites: logs left out, and answers whose order was turned."""

    counts_hits = False

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: MissingLogs) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._methods = frozenset(("eth_getLogs",))
        self._left_out, self._turned = spec.share, spec.order == "reversed"
        self._missing = self._reordered = 0

    @property
    def proof(self) -> str:
        """How much was changed."""
        return f"{self._missing} logs left out, {self._reordered} answers turned, of {self._seen} answers"

    def on_hit(self, method: str) -> Effect:
        """Thin out what comes back."""
        return Effect(rewrites=(self._thinned,))

    def _thinned(self, logs: Any) -> Any:
        if not isinstance(logs, list):
            return logs
        kept = [log for log in logs if self._random.random() >= self._left_out]
        self._missing += len(logs) - len(kept)
        turned = self._turned and len(kept) > 1
        self._reordered += turned
        self.bites = self._missing + self._reordered
        return kept[::-1] if turned else kept
