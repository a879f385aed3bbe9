"""The relayer is killed without a chance to clean up; healed, it starts again on the store it left."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.relayers import relayer_of
from lab.scenario.faults import RelayerKill

WATCH_MS = 100


class RelayerKillFault:
    """At once, or when the relayer reaches a named commit point. Bites: deaths."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: RelayerKill) -> None:
        self._relayer = relayer_of(surroundings, fault_id, spec.fault)
        self._scheduler = surroundings.scheduler
        self._spec = spec
        self._end = surroundings.ending(fault_id, self.heal)
        self._deaths_before = 0
        self._healed = False

    @property
    def bites(self) -> int:
        """Deaths since the injection."""
        return self._relayer.deaths - self._deaths_before

    @property
    def proof(self) -> str:
        """Where it died."""
        where = f"at {self._spec.point}" if self._spec.point else "at once"
        return f"killed {where}" if self.bites else f"not killed: {self._spec.point} was never reached"

    def inject(self) -> None:
        """Kill, or wait for the point."""
        self._deaths_before = self._relayer.deaths
        if self._spec.point is None:
            self._relayer.kill()
        else:
            self._relayer.kill_at(self._spec.point)
        if self._spec.restart_after_ms is not None:
            self._watch()

    def heal(self) -> None:
        """Start again."""
        if not self._healed:
            self._healed = True
            self._relayer.spare()
            self._relayer.start()

    def _watch(self) -> None:
        """The time to the restart counts from the death, which may be still to come."""
        if self._healed:
            return
        if self.bites:
            self._scheduler.at(self._scheduler.now_ms + (self._spec.restart_after_ms or 0), self._end)
        else:
            self._scheduler.at(self._scheduler.now_ms + WATCH_MS, self._watch)
