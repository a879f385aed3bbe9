"""What the faults that stop a node share, and those of a node that comes back and is not well for a while."""

from __future__ import annotations

from lab.faults.context import FaultContext
from lab.faults.spec import OnChain
from lab.faults.transport.policy import Effect


class NodeOutage:
    """Base of the faults that stop a node. Activations: slots without a block, and requests that met no node."""

    condition = "down"
    verb = "were refused"

    def __init__(self, context: FaultContext, fault_id: str, spec: OnChain) -> None:
        self._chain = context.chains[spec.chain]
        self._scheduler = context.scheduler
        self.activations = 0
        self.proof = "not yet"

    @property
    def lasts(self) -> bool:
        """Whether the node is stopped by this now."""
        return self._chain.condition == self.condition

    def inject(self) -> None:
        """Kill it. The transaction pool is lost."""
        self._chain.crash()

    def heal(self) -> None:
        if self.lasts:
            self._chain.catch_up()
            skipped, blocked = self._chain.producer.slots_skipped, self._chain.blocked_calls
            self.revive()
            self.activations = skipped + blocked
            self.proof = f"{skipped} slots passed without a block, {blocked} requests {self.verb}"

    def revive(self) -> None:
        """Start it from its state."""
        self._chain.restart()


class UnwellNode:
    """Base of the faults of a node that is killed and, back again, not well: `effect` says what requests meet then.

    Activations: those of the kill, and requests that met it while it was not well (`met`).
    """

    words = ""

    def __init__(self, context: FaultContext, fault_id: str, spec: OnChain, restart_after_ms: int) -> None:
        self._kill = NodeOutage(context, fault_id, spec)
        self._chain = context.chains[spec.chain]
        self._scheduler = context.scheduler
        self._policy = context.policies[spec.chain]
        self._restart_after_ms = restart_after_ms
        self.met = 0

    @property
    def activations(self) -> int:
        return self._kill.activations + self.met

    @property
    def proof(self) -> str:
        return f"{self._kill.proof}; {self.met} more {self.words}"

    def inject(self) -> None:
        """Kill it, and arrange for the rest."""
        self._kill.inject()
        self._scheduler.at(self._scheduler.now_ms + self._restart_after_ms, self._restart)

    def heal(self) -> None:
        self._kill.heal()
        self._policy.remove(self)

    def effect(self, method: str) -> Effect | None:
        raise NotImplementedError

    def on_restart(self) -> None:
        """It is back, and not well from now on."""
        raise NotImplementedError

    def _restart(self) -> None:
        if self._kill.lasts:
            self._kill.heal()
            self.on_restart()
            self._policy.add(self)
