"""The relayer stands still, and goes on where it was."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.relayers import relayer_of
from lab.scenario.faults import RelayerPause


class RelayerPauseFault:
    """Stopped without knowing it, as by SIGSTOP: what it believes afterwards may be old. Bites: 1 if it ran."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: RelayerPause) -> None:
        self._relayer = relayer_of(surroundings, fault_id, spec.fault)
        self._scheduler = surroundings.scheduler
        self._since_ms: int | None = None
        self.bites = 0
        self.proof = "it did not run"

    def inject(self) -> None:
        """Hold it."""
        if self._relayer.pause():
            self._since_ms = self._scheduler.now_ms

    def heal(self) -> None:
        """Let it go on."""
        if self._since_ms is not None:
            self._relayer.resume()
            stood_ms, self._since_ms = self._scheduler.now_ms - self._since_ms, None
            self.bites = int(stood_ms > 0)
            self.proof = f"it stood still for {stood_ms / 1000:g} s"
