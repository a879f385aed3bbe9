"""What the faults on requests share: which requests they hit, how many they hit, and their seat in the policy."""

from __future__ import annotations

from lab.faults.context import FaultContext
from lab.faults.spec import OnChain, OnEndpoint, OnRequests
from lab.faults.transport.methods import SENDS, named_alike
from lab.faults.transport.policy import Effect


class RequestFault:
    """Base of the faults on requests: subclasses say what happens in `hit` or `on_hit`, and how it shows in `verb`.

    A spec without `methods` or `share` means all of them. A fault whose acting shows only in the answer counts its own
    activations (`counts_hits` False).
    """

    verb = "hit"
    counts_hits = True
    methods: frozenset[str] | None = None
    hit: Effect | None = None

    def __init__(self, context: FaultContext, fault_id: str, spec: OnChain) -> None:
        self._policy = context.policies[spec.chain]
        self._random = context.randomness(fault_id)
        self._endpoint = spec.endpoint if isinstance(spec, OnEndpoint) else None
        self._share = 1.0
        if isinstance(spec, OnRequests):
            self.methods = frozenset(spec.methods) if spec.methods is not None else None
            self._share = spec.share
        self._seen = self._others = 0
        self.activations = 0

    def inject(self) -> None:
        self._policy.add(self, self._endpoint)

    def heal(self) -> None:
        self._policy.remove(self)

    @property
    def proof(self) -> str:
        return f"{self.verb} {self.activations} of {self._seen} matching requests"

    @property
    def unasked(self) -> tuple[str, ...]:
        """The methods of reading that it waited for in vain, from somebody who asked other things; else none."""
        if self._seen or not self._others or self.methods is None or self.methods & SENDS:
            return ()
        return tuple(sorted(self.methods))

    def effect(self, method: str) -> Effect | None:
        if self.methods is not None and self.methods.isdisjoint(named_alike(method)):
            self._others += 1
            return None
        self._seen += 1
        if self._share < 1 and self._random.random() >= self._share:
            return None
        effect = self.on_hit(method)
        self.activations += effect is not None and self.counts_hits
        return effect

    def on_hit(self, method: str) -> Effect | None:
        """What happens to a request that is hit; None if it is spared after all."""
        return self.hit
