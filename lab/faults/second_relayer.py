"""Two relayers run at once, with one key and a store each."""

from __future__ import annotations

from lab.faults.base import RelayerControl, Surroundings
from lab.faults.relayers import relayer_of
from lab.scenario.faults import SecondRelayer


class SecondRelayerFault:
    """Starts a twin that knows nothing of the first. Bites: transactions that the twin sent."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: SecondRelayer) -> None:
        self._first = relayer_of(surroundings, fault_id, spec.fault)
        self._twin: RelayerControl | None = None
        self._sent: int | None = None

    @property
    def bites(self) -> int:
        """Its transactions."""
        if self._sent is not None:
            return self._sent
        return self._twin.sends if self._twin is not None else 0

    @property
    def proof(self) -> str:
        """What it did."""
        return f"the second relayer sent {self.bites} transactions"

    def inject(self) -> None:
        """Start it."""
        self._twin = self._first.twin()
        self._twin.start()

    def heal(self) -> None:
        """End it for good."""
        if self._twin is not None and self._sent is None:
            # Asked while it runs: of a process no more is known than that.
            self._sent = self._twin.sends
            self._twin.close()
