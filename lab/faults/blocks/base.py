"""What the faults of a chain's blocks share: their say in the blocks to come, from injection to healing."""

from __future__ import annotations

from typing import Any

from lab.faults.context import FaultContext
from lab.faults.spec import OnChain


class BlockFault:
    """Base of the faults on blocks. `hooks` go into the lists of those names of the chain's BlockProducer.

    Several faults of one kind may act on a chain at once: each removes its own hooks only.
    """

    def __init__(self, context: FaultContext, spec: OnChain, **hooks: Any) -> None:
        self._chain = context.chains[spec.chain]
        self._producer = self._chain.producer
        self._hooks = hooks
        self._active = False
        self.activations = 0

    def inject(self) -> None:
        self._chain.catch_up()
        self._active = True
        for name, hook in self._hooks.items():
            getattr(self._producer, name).append(hook)
        self._producer.pin()

    def heal(self) -> None:
        """Blocks that are due still come under the fault."""
        self._chain.catch_up()
        if self._active:
            self._active = False
            for name, hook in self._hooks.items():
                getattr(self._producer, name).remove(hook)
            self._producer.pin()
