"""What the faults of a chain's blocks share: their say in the blocks to come, from injection to healing."""

from __future__ import annotations

from typing import Any, ClassVar

from lab.faults.context import FaultContext
from lab.faults.spec import OnChain
from lab.faults.transport.methods import named_alike
from lab.faults.transport.policy import Effect

# Where a method names the block that it is about; one that names none is about the newest, an estimate about the next.
_BLOCK_AT = {"eth_getBlockByNumber": 0, "eth_call": 1, "eth_estimateGas": 1}


class BlockFault:
    """Base of the faults on blocks. `hooks` go into the lists of those names of the chain's BlockProducer.

    Several faults of one kind may act on a chain at once: each removes its own hooks only.

    What blocks do not show, since none came, answers may: `shows_in` are the methods whose answers do, and `on_request`
    says what becomes of such a request.
    """

    shows_in: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, context: FaultContext, spec: OnChain, **hooks: Any) -> None:
        self._chain = context.chains[spec.chain]
        self._producer = self._chain.producer
        self._policy = context.policies[spec.chain]
        self._hooks = hooks
        self._active = False
        self.activations = 0

    def inject(self) -> None:
        self._chain.catch_up()
        self._active = True
        for name, hook in self._hooks.items():
            getattr(self._producer, name).append(hook)
        self._producer.pin()
        if self.shows_in:
            self._policy.add(self)

    def heal(self) -> None:
        """Blocks that are due still come under the fault."""
        self._chain.catch_up()
        if self._active:
            self._active = False
            for name, hook in self._hooks.items():
                getattr(self._producer, name).remove(hook)
            self._producer.pin()
            self._policy.remove(self)

    def effect(self, method: str) -> Effect | None:
        return None if self.shows_in.isdisjoint(named_alike(method)) else self.on_request(method)

    def on_request(self, method: str) -> Effect | None:
        """What becomes of a request whose answer shows the fault; None for nothing."""


def of_next_block(method: str, params: list[Any]) -> bool:
    """Whether the answer is about the block to come."""
    place = _BLOCK_AT.get(method)
    if place is None:
        return False
    return params[place] == "pending" if len(params) > place else method == "eth_estimateGas"
