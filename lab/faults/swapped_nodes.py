"""The relayer's endpoints of two chains are exchanged."""

from __future__ import annotations

from lab.errors import UsageError
from lab.faults.base import Surroundings
from lab.faults.policy import Effect, Policy
from lab.scenario.faults import SwappedNodes


class SwappedNodesFault:
    """Each of the two answers for the other. Bites: requests that met the wrong chain."""

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: SwappedNodes) -> None:
        if spec.other not in surroundings.chains or spec.other == spec.chain:
            names = ", ".join(name for name in surroundings.chains if name != spec.chain)
            raise UsageError(f"{fault_id}: expected another chain of this scenario ({names}), got other: {spec.other}")
        one, two = surroundings.chains[spec.chain], surroundings.chains[spec.other]
        self._seats: list[tuple[Policy, _Route]] = [
            (surroundings.policies[spec.chain], _Route(Effect(route=two))),
            (surroundings.policies[spec.other], _Route(Effect(route=one))),
        ]

    @property
    def bites(self) -> int:
        """Requests so far, in both directions."""
        return sum(route.count for _, route in self._seats)

    @property
    def proof(self) -> str:
        """How many went astray, each way."""
        there, back = (route.count for _, route in self._seats)
        return f"{there} requests answered by the other chain, {back} the other way round"

    def inject(self) -> None:
        """Exchange them."""
        for policy, route in self._seats:
            policy.add(route)

    def heal(self) -> None:
        """Put them right."""
        for policy, route in self._seats:
            policy.remove(route)


class _Route:
    """A rule that sends everything elsewhere."""

    def __init__(self, effect: Effect) -> None:
        self._effect = effect
        self.count = 0

    def effect(self, method: str) -> Effect:
        """See `Rule.effect`."""
        self.count += 1
        return self._effect
