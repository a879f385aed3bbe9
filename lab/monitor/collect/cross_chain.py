"""How long transactions wait: those whose parent is elsewhere, which no chain shows alone, and those at home."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab.errors import UsageError
from lab.model.session import SessionChain
from lab.monitor.collect.facts import Entry
from lab.monitor.collect.memory import ChainMemory
from lab.monitor.metrics import Distribution, Samples
from lab.networks import load_network
from lab.networks.profile import NetworkProfile

PENDING_MAX = 1_000
MIRRORED_BLOCKS = 3
NO_PARENT = "0x" + "00" * 32


def allowance_s(origin: SessionChain, target: SessionChain) -> float:
    """What a leg takes at best: finality of its parent, then mirror, resolve and execute, a block each."""
    finality, profile = origin.finality, profile_of(origin.network)
    if finality.seconds is not None:
        final_s = finality.seconds
    else:
        depth = finality.blocks if finality.blocks is not None else 0
        if finality.tag is not None and profile is not None:
            depth = profile.tag_depth(finality.tag)
        final_s = depth * origin.block_time_ms / 1000
    return final_s + MIRRORED_BLOCKS * target.block_time_ms / 1000


def profile_of(network: str) -> NetworkProfile | None:
    """The built-in profile; None for a network that only its user's file describes."""
    try:
        return load_network(network)
    except UsageError:
        return None


@dataclass
class CrossChain:
    """Pairs of chains. `rollups` maps the addresses that stand for chains inside of the contracts to their names."""

    rollups: Mapping[str, str]
    allowances: Mapping[tuple[str, str], float] = field(default_factory=dict)
    times: dict[str, Distribution] = field(default_factory=dict)
    delays: dict[str, Distribution] = field(default_factory=dict)
    pending: list[tuple[str, Entry]] = field(default_factory=list)

    def note(self, target: str, entry: Entry) -> None:
        """A transaction with a dependency was executed: its time is taken once its parent is known."""
        self.pending = [*self.pending, (target, entry)][-PENDING_MAX:]

    def settle(self, chains: Mapping[str, ChainMemory]) -> None:
        """Take the times of those whose parent is known by now; one within a chain has none."""
        waiting = []
        for target, entry in self.pending:
            located = self._parent(chains, target, entry.dependency)
            if located is None:
                waiting.append((target, entry))
                continue
            origin, parent = located
            if origin != target and parent.ready_s is not None and entry.ended_s is not None:
                took = max(0, entry.ended_s - max(parent.ready_s, entry.due_s))
                late = max(0.0, took - self.allowances.get((origin, target), 0))
                times, delays, pair = self._times(origin, target), self._delays(origin, target), f"{origin} {target}"
                self.times[pair] = times.observe("cross_chain_seconds", took)
                self.delays[pair] = delays.observe("cross_chain_delay_seconds", late)
        self.pending = waiting

    def _times(self, origin: str, target: str) -> Distribution:
        return self.times.get(f"{origin} {target}") or Distribution.empty("cross_chain_seconds")

    def _delays(self, origin: str, target: str) -> Distribution:
        return self.delays.get(f"{origin} {target}") or Distribution.empty("cross_chain_delay_seconds")

    def _parent(
        self, chains: Mapping[str, ChainMemory], target: str, dependency: str | None
    ) -> tuple[str, Entry] | None:
        """The parent where it is at home: its copy on the child's chain says where that is. None: not seen yet."""
        if dependency in (None, NO_PARENT):
            return None
        copy = chains[target].head_book.find(str(dependency))
        home = self.rollups.get((copy.origin or "").lower()) if copy is not None else None
        for name in [home] if home is not None else [target, *(name for name in chains if name != target)]:
            entry = chains[name].head_book.find(str(dependency)) if name in chains else None
            if entry is not None:
                return str(name), entry
        return None

    def wait_s(
        self, chains: Mapping[str, ChainMemory], chain: str, over: Callable[[Entry], bool], now_s: float
    ) -> float:
        """The longest wait, in seconds, of a transaction of the chain for which nothing is missing; 0 without one.

        `over` says of which the time is over: no call resolves or executes those.
        """
        entries = [entry for entry in chains[chain].head_book.open.values() if not over(entry)]
        since = [self._able_since(chains, chain, entry) for entry in entries]
        return max([0.0, *(now_s - able_s for able_s in since if able_s is not None)])

    def _able_since(self, chains: Mapping[str, ChainMemory], chain: str, entry: Entry) -> float | None:
        """Since when a call that resolves it, or executes it, would do. None: it waits for something, or elsewhere.

        A copy is not executed. A relayer may wait until the parent is final, and by its execution order until it is
        executed.
        """
        if self.rollups.get((entry.origin or "").lower()) != chain:
            return None
        began_s = max(entry.due_s, entry.buffered_s or 0) if entry.state == "BUFFERED" else entry.ready_s
        if entry.dependency in (None, NO_PARENT):
            return began_s
        located = self._parent(chains, chain, entry.dependency)
        if located is None or located[0] != chain or located[1].state == "EXPIRED":
            return None
        parent_s = located[1].ready_s if entry.state == "BUFFERED" else located[1].ended_s
        if began_s is None or parent_s is None:
            return None
        return max(began_s, parent_s + self.allowances.get((chain, chain), 0))

    def samples(self, chains: Mapping[str, ChainMemory], now_s: float, into: Samples) -> None:
        """Times and lags of every pair, zero where nothing crossed or waits."""
        lags = {(origin, target): 0.0 for origin in chains for target in chains if origin != target}
        for target, memory in chains.items():
            for entry in memory.head_book.open.values():
                located = self._parent(chains, target, entry.dependency)
                if located is not None and located[0] != target and located[1].ready_s is not None:
                    pair = located[0], target
                    lags[pair] = max(lags[pair], now_s - max(located[1].ready_s, entry.due_s))
        for (origin, target), lag in lags.items():
            into.add("sync_lag_seconds", lag, origin, target)
            into.add("cross_chain_seconds", self._times(origin, target), origin, target)
            into.add("cross_chain_delay_seconds", self._delays(origin, target), origin, target)
            into.add("cross_chain_allowance_seconds", self.allowances.get((origin, target)), origin, target)
