"""A transaction that pays far too little occupies an account's next nonce."""

from __future__ import annotations

from typing import Any

from lab.coordinator import role_account
from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.requests import RequestFault
from lab.scenario.faults import StuckNonce


class StuckNonceFault(RequestFault):
    """The pending count of the account is one too high until something is mined at that nonce. Bites: such answers.

    The transaction stands in the answers only: the lab's node evicts what pays less than the base fee, where the
    network's own nodes keep it. Whoever builds on the pending count gets a gap, and a transaction behind it waits.
    """

    counts_hits = False

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: StuckNonce) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._methods = frozenset(("eth_getTransactionCount",))
        self._chain = surroundings.chains[spec.chain]
        self._address = role_account(spec.role).address
        self._nonce = 0

    @property
    def proof(self) -> str:
        """Where it sits, and whom it misled."""
        return f"nonce {self._nonce} stood in the pool in {self.bites} of {self._seen} answers"

    def inject(self) -> None:
        """Take the next nonce that is free."""
        self._nonce = self._chain.look().nonce(self._address, "pending")
        super().inject()

    def on_hit(self, method: str) -> Effect:
        """Look at whom the count is of when the question arrives."""
        ours: list[bool] = []

        def ask(params: list[Any]) -> list[Any]:
            ours.append(len(params) > 1 and params[1] == "pending" and str(params[0]).lower() == self._address)
            return params

        def told(result: Any) -> Any:
            if ours != [True] or not isinstance(result, str) or int(result, 16) > self._nonce:
                return result
            self.bites += 1
            return hex(self._nonce + 1)

        return Effect(asks=(ask,), rewrites=(told,))
