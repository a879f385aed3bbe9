"""The relayer's endpoints of two chains are exchanged."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from pydantic import Field

from lab.errors import UsageError
from lab.faults.context import FaultContext
from lab.faults.drawing import DrawContext, DrawnFault, on_chain
from lab.faults.kind import FaultKind
from lab.faults.spec import OnChain
from lab.faults.transport.policy import Effect, Policy
from lab.model.step import Name


class SwappedNodes(OnChain):
    """The relayer's endpoints of two chains are exchanged: each answers for the other."""

    example: ClassVar[str] = "fault: swapped_nodes\nchain: polygon\nother: optimism\nfor: 30s"

    fault: Literal["swapped_nodes"]
    other: Name = Field(description="the chain whose endpoint it is exchanged with")

    def other_chains(self) -> tuple[str, ...]:
        return (self.other,)


class SwappedNodesFault:
    """Each of the two answers for the other. Activations: requests that met the wrong chain."""

    def __init__(self, context: FaultContext, fault_id: str, spec: SwappedNodes) -> None:
        if spec.other not in context.chains or spec.other == spec.chain:
            names = ", ".join(name for name in context.chains if name != spec.chain)
            raise UsageError(f"{fault_id}: expected another chain of this scenario ({names}), got other: {spec.other}")
        one, two = context.chains[spec.chain], context.chains[spec.other]
        self._seats: list[tuple[Policy, _Route]] = [
            (context.policies[spec.chain], _Route(Effect(route=two))),
            (context.policies[spec.other], _Route(Effect(route=one))),
        ]

    @property
    def activations(self) -> int:
        return sum(route.count for _, route in self._seats)

    @property
    def proof(self) -> str:
        there, back = (route.count for _, route in self._seats)
        return f"{there} requests answered by the other chain, {back} the other way round"

    def inject(self) -> None:
        for policy, route in self._seats:
            policy.add(route)

    def heal(self) -> None:
        for policy, route in self._seats:
            policy.remove(route)


class _Route:
    """A rule that sends everything elsewhere."""

    def __init__(self, effect: Effect) -> None:
        self._effect = effect
        self.count = 0

    def effect(self, method: str) -> Effect:
        self.count += 1
        return self._effect


def draw(rng: random.Random, context: DrawContext) -> DrawnFault | None:
    """With another chain, where there is one."""
    fault = on_chain("swapped_nodes", rng, context, node=False)
    other = context.other(rng, fault.step["chain"])
    if other is None:
        return None
    return DrawnFault({**fault.step, "other": other}, fault.begin_ms, fault.end_ms, "routes")


KIND = FaultKind(spec=SwappedNodes, activate=SwappedNodesFault, draw=draw)
