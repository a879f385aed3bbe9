"""A transaction that pays far too little occupies an account's next nonce."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from lab.coordinator import role_account
from lab.faults.context import FaultContext
from lab.faults.drawing import on_chain
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnChain
from lab.faults.transport.policy import Effect
from lab.model.step import Role

# Two slots of Ethereum: sooner nobody takes a transaction for lost.
PATIENCE_MS = 24_000


class StuckNonce(OnChain):
    """A transaction of the relayer's account that pays far too little occupies its next nonce in the pool."""

    example: ClassVar[str] = "fault: stuck_nonce\nchain: ethereum\nfor: 2m"

    fault: Literal["stuck_nonce"]
    role: Role = Field(default="relayer", description="whose nonce")

    @property
    def outlasts_ms(self) -> int:
        """What was sent on such an answer waits behind a gap, until its sender takes the nonce for lost."""
        return PATIENCE_MS


class StuckNonceFault(RequestFault):
    """The account's pending count is one too high until something is mined at that nonce. Activations: such answers.

    Whoever asks for no pending count, and offers what such a nonce is worth, has replaced the transaction unseen: that
    is one activation.

    The transaction stands in the answers only: the lab's node evicts what pays less than the base fee, where the
    network's own nodes keep it. Whoever builds on the pending count gets a gap, and a transaction behind it waits.
    """

    counts_hits = False
    methods = frozenset(("eth_getTransactionCount",))

    def __init__(self, context: FaultContext, fault_id: str, spec: StuckNonce) -> None:
        super().__init__(context, fault_id, spec)
        self._chain = context.chains[spec.chain]
        self._address = role_account(spec.role).address
        self._nonce, self._replaced = 0, False

    @property
    def proof(self) -> str:
        if self._replaced:
            return f"nobody asked for the pending count: nonce {self._nonce} was taken by a better offer"
        return f"nonce {self._nonce} stood in the pool in {self.activations} of {self._seen} answers"

    def inject(self) -> None:
        self._nonce = self._chain.look().nonce(self._address, "pending")
        super().inject()

    def heal(self) -> None:
        super().heal()
        mined = ((tx.sender, tx.nonce) for _, tx in self._chain.observer.observed.values())
        if self.activations == 0 and (self._address, self._nonce) in mined:
            self._replaced, self.activations = True, 1

    def on_hit(self, method: str) -> Effect:
        """Look at whom the count is of when the question arrives."""
        asked: list[bool] = []

        def ask(params: list[Any]) -> list[Any]:
            asked.append(len(params) > 1 and params[1] == "pending" and str(params[0]).lower() == self._address)
            return params

        def rewrite(result: Any) -> Any:
            if asked != [True] or not isinstance(result, str) or int(result, 16) > self._nonce:
                return result
            self.activations += 1
            return hex(self._nonce + 1)

        return Effect(asks=(ask,), rewrites=(rewrite,))


KIND = FaultKind(
    spec=StuckNonce,
    activate=StuckNonceFault,
    draw=lambda rng, case: on_chain("stuck_nonce", rng, case, span_s=(30, 80), early=True, node=False),
)
