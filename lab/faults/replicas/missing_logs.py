"""Answers with logs leave some out, or have them in the wrong order."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from lab.faults.context import FaultContext
from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnEndpoint
from lab.faults.transport.policy import Effect
from lab.model.step import fault_at


class MissingLogs(OnEndpoint):
    """Answers with logs, to a query or of a filter, leave some out, or have them in the wrong order."""

    example: ClassVar[str] = "fault: missing_logs\nchain: polygon\nshare: 0.5\nfor: 1m"

    fault: Literal["missing_logs"]
    share: float = Field(default=1.0, ge=0, le=1, description="the share of logs left out")
    order: Literal["kept", "reversed"] = Field(default="kept", description="the order of those that are left")

    @model_validator(mode="after")
    def _does_something(self) -> MissingLogs:
        if self.share == 0 and self.order == "kept":
            raise fault_at("expected a share above 0, or order: reversed: this leaves every answer as it is", "share")
        return self


class MissingLogsFault(RequestFault):
    """As behind an index that lags or loses. Activations: logs left out, and answers whose order was turned."""

    counts_hits = False
    methods = frozenset(("eth_getLogs", "eth_getFilterChanges", "eth_getFilterLogs"))

    def __init__(self, context: FaultContext, fault_id: str, spec: MissingLogs) -> None:
        super().__init__(context, fault_id, spec)
        self._left_out, self._turned = spec.share, spec.order == "reversed"
        self._missing = self._reordered = 0
        self.hit = Effect(rewrites=(self._thinned,))

    @property
    def proof(self) -> str:
        return f"{self._missing} logs left out, {self._reordered} answers turned, of {self._seen} answers"

    def _thinned(self, logs: Any) -> Any:
        if not isinstance(logs, list) or not all(isinstance(log, dict) for log in logs):
            return logs  # no answer, or the hashes of a filter for blocks
        kept = [log for log in logs if self._random.random() >= self._left_out]
        self._missing += len(logs) - len(kept)
        turned = self._turned and len(kept) > 1
        self._reordered += turned
        self.activations = self._missing + self._reordered
        return kept[::-1] if turned else kept


KIND = FaultKind(
    spec=MissingLogs,
    activate=MissingLogsFault,
    draw=lambda rng, case: on_chain(
        "missing_logs", rng, case, span_s=(20, 60), early=True, node=False, share=rng.choice((0.3, 0.7, 1.0))
    ),
)
