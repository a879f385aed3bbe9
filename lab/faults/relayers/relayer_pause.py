"""The relayer stands still, and goes on where it was."""

from __future__ import annotations

from typing import ClassVar, Literal

from lab.faults.context import FaultContext
from lab.faults.drawing import on_relayer
from lab.faults.kind import FaultKind
from lab.faults.relayers.control import relayer_of
from lab.faults.spec import LastingFault


class RelayerPause(LastingFault):
    """The relayer stands still, in the middle of whatever it does, and goes on when it is healed."""

    example: ClassVar[str] = "fault: relayer_pause\nfor: 30s"
    exclusive: ClassVar[str] = "pauses the relayer"

    fault: Literal["relayer_pause"]


class RelayerPauseFault:
    """Stopped without knowing it, as by SIGSTOP: what it believes afterwards may be old. Activations: 1 if it ran."""

    def __init__(self, context: FaultContext, fault_id: str, spec: RelayerPause) -> None:
        self._relayer = relayer_of(context, fault_id, spec.fault)
        self._scheduler = context.scheduler
        self._since_ms: int | None = None
        self.activations = 0
        self.proof = "it did not run"

    def inject(self) -> None:
        if self._relayer.pause():
            self._since_ms = self._scheduler.now_ms

    def heal(self) -> None:
        if self._since_ms is not None:
            self._relayer.resume()
            stood_ms, self._since_ms = self._scheduler.now_ms - self._since_ms, None
            self.activations = int(stood_ms > 0)
            self.proof = f"it stood still for {stood_ms / 1000:g} s"


KIND = FaultKind(
    spec=RelayerPause,
    activate=RelayerPauseFault,
    draw=lambda rng, case: on_relayer("relayer_pause", rng, case),
)
