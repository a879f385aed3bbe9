"""Two relayers run at once, with one key and a store each."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from lab.faults.context import FaultContext, RelayerControl
from lab.faults.drawing import DrawContext, DrawnFault, at_a_leg, lasting_ms, seconds
from lab.faults.kind import FaultKind
from lab.faults.relayers.control import relayer_of
from lab.faults.spec import LastingFault


class SecondRelayer(LastingFault):
    """A second relayer runs beside the first, with the same key and a store of its own."""

    example: ClassVar[str] = "fault: second_relayer\nfor: 2m"

    fault: Literal["second_relayer"]


class SecondRelayerFault:
    """Starts another that knows nothing of the first. Activations: transactions that the second sent."""

    def __init__(self, context: FaultContext, fault_id: str, spec: SecondRelayer) -> None:
        self._first = relayer_of(context, fault_id, spec.fault)
        self._second: RelayerControl | None = None
        self._sent: int | None = None

    @property
    def activations(self) -> int:
        if self._sent is not None:
            return self._sent
        return self._second.sends if self._second is not None else 0

    @property
    def proof(self) -> str:
        return f"the second relayer sent {self.activations} transactions"

    def inject(self) -> None:
        self._second = self._first.second()
        self._second.start()

    def heal(self) -> None:
        if self._second is not None and self._sent is None:
            # Asked while it runs: of a process no more is known than that.
            self._sent = self._second.sends
            self._second.close()


def draw(rng: random.Random, context: DrawContext) -> DrawnFault:
    """For long enough that both have work."""
    _, _, begin_ms = at_a_leg(rng, context)
    begin_ms = max(1000, begin_ms - 25_000)
    lasts_ms = lasting_ms(rng, 40, 90)
    step = {"at": seconds(begin_ms), "fault": "second_relayer", "for": seconds(lasts_ms)}
    return DrawnFault(step, begin_ms, begin_ms + lasts_ms, "relayer", alone=True)


KIND = FaultKind(spec=SecondRelayer, activate=SecondRelayerFault, draw=draw)
