"""What a fault is, and what it may touch."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.chains.chain import Chain
from lab.chains.scheduler import Scheduler
from lab.faults.transport.policy import Policy


class RelayerControl(Protocol):
    """The running relayer, as a fault may treat it."""

    def kill(self) -> None:
        """End it at once, wherever it is."""

    def kill_at(self, point: str) -> None:
        """End it when it reaches a named commit point. Raises LabError where points are not known."""

    def cancel_kill(self) -> None:
        """Call off a kill that has not happened."""

    def start(self) -> None:
        """Start it on the store that is there. A running one goes on."""

    def pause(self) -> bool:
        """Hold it where it is; False if it does not run."""

    def resume(self) -> None:
        """Let it go on."""

    def second(self) -> RelayerControl:
        """Another one with the same key and a store of its own, not started."""

    def rotate(self, role: str) -> None:
        """Stop it, and start it with another role's key on the same store."""

    def close(self) -> None:
        """End it for good."""

    @property
    def store_path(self) -> Path:
        """Where it keeps what it knows."""

    @property
    def deaths(self) -> int:
        """How often it was killed so far."""

    @property
    def sends(self) -> int:
        """How many transactions it handed over so far."""


@dataclass(frozen=True, slots=True)
class FaultContext:
    """All that faults act on: `policies` are the request policies by chain, `over` is called when one ends itself."""

    scheduler: Scheduler
    chains: Mapping[str, Chain]
    policies: Mapping[str, Policy]
    relayer: RelayerControl | None
    seed: int
    over: Callable[[str], None] | None = None

    def ending(self, fault_id: str, heal: Callable[[], None]) -> Callable[[], None]:
        """How a fault ends that ends by itself: through whoever started it, who records the end; else it just heals."""
        over = self.over
        return heal if over is None else lambda: over(fault_id)

    def randomness(self, fault_id: str) -> random.Random:
        """A fault's own random numbers: no other fault's draws move them."""
        return random.Random(f"{self.seed}/fault/{fault_id}")


class ActiveFault(Protocol):
    """One started fault. `activations` counts how often it really acted, `proof` says how that shows."""

    def inject(self) -> None:
        """Begin."""

    def heal(self) -> None:
        """End, and leave the chain fit to go on. Healing twice is no error."""

    @property
    def activations(self) -> int:
        """How often it acted so far."""

    @property
    def proof(self) -> str:
        """What was seen of it, in words."""
