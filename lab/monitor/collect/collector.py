"""All chains of a session: polls, and the samples of everything that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter, ValidationError

import lab
from lab.model.session import Session
from lab.monitor.collect.chain_collector import ChainCollector, Log
from lab.monitor.collect.cross_chain import CrossChain, allowance_s
from lab.monitor.collect.memory import ChainMemory
from lab.monitor.collect.metering import POLL_S, REQUESTS_PER_MINUTE
from lab.monitor.collect.relayer import RelayerLook, RelayerView
from lab.monitor.metrics import Distribution, Samples
from lab.rpc import Transport


@dataclass
class Memory:
    """What survives a restart. `identity` says of which deployment it is."""

    identity: dict[str, str]
    chains: dict[str, ChainMemory]
    cross_chain: dict[str, Distribution]
    version: Literal[1]
    delays: dict[str, Distribution] = field(default_factory=dict)


MEMORY = TypeAdapter(Memory)
# Two books of OPEN_MAX transactions take 12 MiB a chain.
MEMORY_BYTES_MAX = 256 << 20


def identity_of(session: Session) -> dict[str, str]:
    """What makes two sessions one deployment: the same contracts on the same chains, begun at the same moment."""
    return {
        name: f"{chain.chain_id} {chain.contract} {chain.start_block} {session.genesis_time}"
        for name, chain in session.chains.items()
    }


def _nothing(**fields: object) -> None:
    """No log."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How to watch: the clock in unix seconds, the log, what is known of the relayer, whether maintenance is on."""

    now_s: Callable[[], float]
    log: Log = _nothing
    relayer: RelayerLook = RelayerView
    maintenance: Callable[[], bool] = lambda: False
    per_minute: int = REQUESTS_PER_MINUTE
    interval_s: float = POLL_S


class Collector:
    """Polls of chains may run in threads of their own; `samples` and `memory` may be asked for at any time."""

    def __init__(
        self, session: Session, transports: Mapping[str, Transport], watch: Watch, memory: Memory | None = None
    ) -> None:
        self._session, self._watch = session, watch
        known = memory if memory is not None and memory.identity == identity_of(session) else None
        self.chains = {
            name: ChainCollector(
                session,
                facts,
                transports[name],
                watch.now_s,
                memory=known.chains.get(name) if known is not None else None,
                per_minute=watch.per_minute,
                interval_s=watch.interval_s,
                log=watch.log,
            )
            for name, facts in session.chains.items()
        }
        rollups = {facts.rollup.lower(): name for name, facts in session.chains.items()}
        allowances = {
            (origin.name, target.name): allowance_s(origin, target)
            for origin in session.chains.values()
            for target in session.chains.values()
        }
        times, delays = (known.cross_chain, known.delays) if known is not None else ({}, {})
        self._cross_chain = CrossChain(rollups, allowances, dict(times), dict(delays))

    def poll(self) -> None:
        """Every chain once, in order."""
        for name in self.chains:
            self.poll_chain(name)

    def poll_chain(self, name: str) -> None:
        """One chain."""
        self.chains[name].poll()

    def samples(self) -> Samples:
        """Everything that is known now."""
        samples, now_s = Samples(), self._watch.now_s()
        with self._frozen():
            for name, chain in self.chains.items():
                for _, _, entry in chain.reached:
                    self._cross_chain.note(name, entry)
                chain.reached.clear()
                chain.samples(samples, self._watch.interval_s)
            memories = {name: chain.memory for name, chain in self.chains.items()}
            self._cross_chain.settle(memories)
            self._cross_chain.samples(memories, now_s, samples)
            for name, chain in self.chains.items():
                if samples.get("chain_up", name) == 1 and chain.window_s is not None:
                    # Paused, a contract takes no call: then the pause is what is waited for.
                    paused = samples.get("contract_paused", name) == 1
                    wait_s = 0.0 if paused else self._cross_chain.wait_s(memories, name, chain.is_over, now_s)
                    samples.add("legs_waiting_seconds", wait_s, name)
        view = self._watch.relayer()
        view.samples(list(self.chains), (now_s - self._session.genesis_time) * 1000, samples)
        samples.add("maintenance", float(self._watch.maintenance()))
        samples.add("build_info", 1, lab.__version__, self._session.run_id)
        return samples

    def dump(self) -> bytes:
        """What to keep for a restart, as JSON."""
        with self._frozen():
            chains = {name: chain.memory for name, chain in self.chains.items()}
            crossed = self._cross_chain
            memory = Memory(identity_of(self._session), chains, crossed.times, version=1, delays=crossed.delays)
            return MEMORY.dump_json(memory)

    def _frozen(self) -> ExitStack:
        """All chains stand still."""
        stack = ExitStack()
        for chain in self.chains.values():
            stack.enter_context(chain.lock)
        return stack


def read_memory(text: bytes) -> Memory | None:
    """What `dump` gave; None for a file of another shape or version: then everything is read again."""
    try:
        return MEMORY.validate_json(text)
    except ValidationError:
        return None
