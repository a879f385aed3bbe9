"""What happens to a request on its way to a node: one policy a chain, used in process and by the HTTP proxy alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from lab.chains.chain import Chain


@dataclass(frozen=True, slots=True)
class Refusal:
    """Answer with this error instead of asking the node. With `http_status` the body is no JSON-RPC answer at all."""

    code: int
    message: str
    http_status: int | None = None


Ask = Callable[[list[Any]], list[Any]]
"""What the node is asked instead, called as the request reaches it. May refuse with an RpcRefused."""
Rewrite = Callable[[Any], Any]
"""What the client gets instead of the node's result. May refuse with an RpcRefused."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Whether a node's refusal is the fault's: if what it is asked `instead` is answered, `acted` is called.

    `instead` gives None where the fault cannot be why. Nobody but the lab gets that answer.
    """

    instead: Callable[[list[Any]], list[Any] | None]
    acted: Callable[[], None]


BodyTransform = Callable[[bytes], bytes]
"""What arrives instead of the body of an answer."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one rule does to one request; the default does nothing.

    `silence`: it never arrives, and nothing answers. `reset`: the connection breaks, before it arrives or after.
    `duplicate`: a raw transaction is handed over twice, and the second answer counts. `route`: to another chain's node.
    """

    delay_ms: int = 0
    refusal: Refusal | None = None
    lose_reply: bool = False
    silence: bool = False
    reset: Literal["before", "after"] | None = None
    duplicate: bool = False
    route: Chain | None = None
    asks: tuple[Ask, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    transforms: tuple[BodyTransform, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    def rewritten_params(self, params: list[Any]) -> list[Any]:
        """The parameters that reach the node. Raises RpcRefused."""
        for ask in self.asks:
            params = ask(params)
        return params

    def rewritten(self, result: Any) -> Any:
        """The result that the client gets. Raises RpcRefused."""
        for rewrite in self.rewrites:
            result = rewrite(result)
        return result

    def transformed(self, body: bytes) -> bytes:
        """The body that arrives."""
        for transform in self.transforms:
            body = transform(body)
        return body


NOTHING = Effect()


class Rule(Protocol):
    """An active fault's say in a request."""

    def effect(self, method: str) -> Effect | None:
        """What happens to this request, None for nothing. A rule that acts counts its own activation."""


class Planner(Protocol):
    """Says what happens to a request."""

    def plan(self, method: str) -> Effect:
        """All effects on one request together."""


class Policy:
    """The active rules of one chain, in the order in which their faults began: of all its endpoints, or of one."""

    def __init__(self) -> None:
        self._rules: list[tuple[Rule, int | None]] = []
        self._lock = threading.Lock()

    def add(self, rule: Rule, endpoint: int | None = None) -> None:
        """From now on this rule has a say, at one endpoint or at all of them."""
        with self._lock:
            self._rules.append((rule, endpoint))

    def remove(self, rule: Rule) -> None:
        """From now on it has none. A rule that is not there is no error."""
        with self._lock:
            self._rules = [entry for entry in self._rules if entry[0] is not rule]

    def at(self, endpoint: int) -> Planner:
        """The policy as one of the chain's endpoints has it; they count from 1."""
        return _AtEndpoint(self, endpoint)

    def plan(self, method: str, endpoint: int = 1) -> Effect:
        """All effects on one request together: delays add up, the first refusal counts, what comes first acts first."""
        with self._lock:
            rules = [rule for rule, place in self._rules if place is None or place == endpoint]
            effects = [effect for rule in rules if (effect := rule.effect(method)) is not None]
        if len(effects) < 2:
            return effects[0] if effects else NOTHING
        resets = {effect.reset for effect in effects}
        return Effect(
            delay_ms=sum(effect.delay_ms for effect in effects),
            refusal=next((effect.refusal for effect in effects if effect.refusal is not None), None),
            lose_reply=any(effect.lose_reply for effect in effects),
            silence=any(effect.silence for effect in effects),
            reset="before" if "before" in resets else "after" if "after" in resets else None,
            duplicate=any(effect.duplicate for effect in effects),
            route=next((effect.route for effect in effects if effect.route is not None), None),
            asks=tuple(ask for effect in effects for ask in effect.asks),
            rewrites=tuple(rewrite for effect in effects for rewrite in effect.rewrites),
            transforms=tuple(transform for effect in effects for transform in effect.transforms),
            doubts=tuple(doubt for effect in effects for doubt in effect.doubts),
        )


@dataclass(frozen=True, slots=True)
class _AtEndpoint:
    policy: Policy
    endpoint: int

    def plan(self, method: str) -> Effect:
        """See `Policy.plan`."""
        return self.policy.plan(method, self.endpoint)
