"""An endpoint says that it is another network."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnEndpoint
from lab.faults.transport.policy import Effect


class WrongChainId(OnEndpoint):
    """The endpoint says that it is another network."""

    example: ClassVar[str] = "fault: wrong_chain_id\nchain: optimism\nchain_id: 1"

    fault: Literal["wrong_chain_id"]
    chain_id: int = Field(ge=1, lt=2**53, description="the chain id that it answers with")


class WrongChainIdFault(RequestFault):
    """Answers with another chain id to whoever asks. Activations: those answers; nobody who does not ask is fooled."""

    verb = "answered wrongly"
    methods = frozenset(("eth_chainId", "net_version"))

    def __init__(self, context: FaultContext, fault_id: str, spec: WrongChainId) -> None:
        super().__init__(context, fault_id, spec)
        self._chain_id = spec.chain_id

    def on_hit(self, method: str) -> Effect:
        answer: Any = hex(self._chain_id) if method == "eth_chainId" else str(self._chain_id)
        return Effect(rewrites=(lambda result: answer,))


KIND = FaultKind(
    spec=WrongChainId, activate=WrongChainIdFault, not_drawn="acts only when the relayer starts, or after a reorg"
)
