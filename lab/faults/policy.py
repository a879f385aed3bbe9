"""What happens to a request on its way to a node: one policy a chain, used in process and by the HTTP proxy alike."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Refusal:
    """Answer with this error instead of asking the node. With `http_status` the body is no JSON-RPC answer at all."""

    code: int
    message: str
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What one rule does to one request; the default does nothing."""

    delay_ms: int = 0
    refusal: Refusal | None = None
    lose_reply: bool = False


class Rule(Protocol):
    """An active fault's say in a request."""

    def effect(self, method: str) -> Effect | None:
        """What happens to this request, None for nothing. A rule that acts counts its own bite."""


class Policy:
    """The active rules of one chain, in the order in which their faults began."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(self, rule: Rule) -> None:
        """From now on this rule has a say."""
        with self._lock:
            self._rules.append(rule)

    def remove(self, rule: Rule) -> None:
        """From now on it has none. A rule that is not there is no error."""
        with self._lock:
            if rule in self._rules:
                self._rules.remove(rule)

    def plan(self, method: str) -> Effect:
        """All effects on one request together: delays add up, the first refusal counts."""
        with self._lock:
            effects = [effect for rule in self._rules if (effect := rule.effect(method)) is not None]
        return Effect(
            delay_ms=sum(effect.delay_ms for effect in effects),
            refusal=next((effect.refusal for effect in effects if effect.refusal is not None), None),
            lose_reply=any(effect.lose_reply for effect in effects),
        )
