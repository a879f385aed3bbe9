"""The node is killed, and when it is back it refuses every request for a while."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.node_kill import NodeKillFault
from lab.faults.policy import Effect, Refusal
from lab.scenario.faults import NodeKill, SlowStart

REFUSAL = Refusal(-32000, "node is starting: not ready to serve requests", http_status=503)


class SlowStartFault:
    """A kill, and then a node that is up and mines, and does not serve. Bites: those of the kill, and refusals."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: SlowStart) -> None:
        self._kill = NodeKillFault(surroundings, fault_id, NodeKill(fault="node_kill", chain=spec.chain))
        self._scheduler = surroundings.scheduler
        self._policy = surroundings.policies[spec.chain]
        self._restart_ms, self._refuses_ms = spec.restart_after_ms, spec.refuses_ms
        self._refused = 0

    @property
    def bites(self) -> int:
        """Slots without a block, requests that met no node, and requests that met one not ready."""
        return self._kill.bites + self._refused

    @property
    def proof(self) -> str:
        """What was seen of both parts."""
        return f"{self._kill.proof}; {self._refused} more while it was starting"

    def inject(self) -> None:
        """Kill it, and arrange for the rest."""
        self._kill.inject()
        now_ms = self._scheduler.now_ms
        self._scheduler.at(now_ms + self._restart_ms, self._start)

    def heal(self) -> None:
        """Up and ready."""
        self._kill.heal()
        self._policy.remove(self)

    def effect(self, method: str) -> Effect:
        """See `Rule.effect`."""
        self._refused += 1
        return Effect(refusal=REFUSAL)

    def _start(self) -> None:
        if self._kill.down:
            self._kill.heal()
            self._policy.add(self)
            self._scheduler.at(self._scheduler.now_ms + self._refuses_ms, lambda: self._policy.remove(self))
