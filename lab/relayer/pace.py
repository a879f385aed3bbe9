"""When to look at which chains: all of them at each poll, those whose blocks come faster than polls sooner.

A flow takes several calls that wait for each other, and each would wait for a whole poll where blocks are fast.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lab.relayer.clock import Clock
from lab.relayer.memory.intents import Intent
from lab.relayer.memory.records import Entry
from lab.relayer.reading.chain import Chain


@dataclass(frozen=True, slots=True)
class Sooner:
    """Chains to look at before the next poll, and when, in milliseconds since genesis."""

    at_ms: int
    chains: frozenset[str]


class Polled(Protocol):
    """What a relayer offers between two polls."""

    def sooner(self, poll_ms: int) -> Sooner | None: ...

    def look(self, names: frozenset[str]) -> None: ...


def sooner(
    quick: Collection[Chain],
    opened: Mapping[str, Iterable[Intent]],
    active: Iterable[Entry],
    begun_ms: int,
    now_ms: int,
    poll_ms: int,
) -> Sooner | None:
    """The first moment before `poll_ms` at which one of these chains may have something to do; None without one.

    That is a block's time after a node took a call since a look began at `begun_ms`, or a transaction's own time.
    """
    moments = [
        intent.last.sent_ms + chain.facts.block_time_ms
        for chain in quick
        for intent in opened[chain.name]
        if intent.last.confirmed and intent.last.sent_ms >= begun_ms
    ]
    genesis_ms = {chain.name: chain.genesis_time * 1000 for chain in quick}
    reached = (entry.timestamp * 1000 - genesis_ms[entry.chain] for entry in active if entry.chain in genesis_ms)
    moments += [at_ms for at_ms in reached if at_ms > now_ms]
    at_ms = max(min(moments, default=poll_ms), now_ms)
    return Sooner(at_ms, frozenset(genesis_ms)) if at_ms < poll_ms else None


def until_poll(relayer: Polled, clock: Clock, poll_ms: int, stopping: Callable[[], bool]) -> None:
    """Let time pass until a poll is due, or until it is to stop, and look sooner where there is something to do."""
    while not stopping() and (soon := relayer.sooner(poll_ms)) is not None:
        clock.sleep(max(0, soon.at_ms - clock.now_ms()) / 1000)
        if not stopping():
            relayer.look(soon.chains)
    if not stopping():
        clock.sleep(max(0, poll_ms - clock.now_ms()) / 1000)
