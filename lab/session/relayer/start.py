"""Wires a lab's relayer to its chains through the fault layer: the reference one in process, or any as a process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.chains.chain import Chain
from lab.chains.loopback import proxies_set
from lab.chains.processes.reaper import Reaper
from lab.chains.scheduler import Scheduler
from lab.coordinator import Codec, role_account
from lab.evidence import Recorder
from lab.faults.transport.gate import Gate
from lab.faults.transport.policy import Policy
from lab.faults.transport.submits import Submits
from lab.html.text import sentence
from lab.model.records import Note
from lab.model.session import Session
from lab.rpc import Transport
from lab.rpc.endpoints import over_all
from lab.rpc.failover import IMPATIENT
from lab.session.relayer.actor import RelayerActor, RelayerFactory
from lab.session.relayer.command import RelayerCommand
from lab.session.relayer.dilation import dilation
from lab.session.relayer.launch import Launch, reference_command
from lab.session.relayer.process import RelayerProcess
from lab.session.request_watch import RequestWatch

if TYPE_CHECKING:
    from lab.faults.transport.proxy import FaultProxy

READY_WITHIN_S = 60.0
READY_STEP_S = 0.05
RPC_TIMEOUT_S = 5.0
# The user's relayer need not poll as often as the session proposes: it rests after so many of the slowest blocks.
QUIET_BLOCKS = 2


@dataclass(frozen=True, slots=True)
class RelayerWiring:
    """What a relayer is put between. `describe` makes the session from the URL of each chain and its further URLs.

    `endpoints` is how many lead to each chain: with several the relayer has a failover over them.

    `factory` makes the relayer of the virtual clock; under the real one `command` runs, or the reference relayer.
    """

    scheduler: Scheduler
    recorder: Recorder
    chains: Mapping[str, Chain]
    policies: Mapping[str, Policy]
    endpoints: Mapping[str, int]
    codec: Codec
    reaper: Reaper
    folder: Path
    describe: Callable[[Mapping[str, str], Mapping[str, Sequence[str]]], Session]
    factory: RelayerFactory
    command: RelayerCommand | None = None

    def wire(self) -> tuple[RelayerActor | RelayerProcess, FaultProxy | None]:
        """A relayer that is yet to be started, and the proxy before its chains, which listens already."""
        submits = {
            name: Submits(chain, self.scheduler, self.recorder, self.codec) for name, chain in self.chains.items()
        }
        if self.scheduler.clock == "virtual":
            return self._actor(submits), None
        return self._process(submits)

    def _actor(self, submits: Mapping[str, Submits]) -> RelayerActor:
        transports = {name: self._transport(chain, submits[name]) for name, chain in self.chains.items()}
        session = self._described(lambda name, endpoint: f"gate:{name}" + (f"/{endpoint}" if endpoint > 1 else ""))
        session.write(self.folder / "session.json")
        return RelayerActor(session, transports, role_account("relayer"), self.scheduler, self.recorder, self.factory)

    def _described(self, url: Callable[[str, int], str]) -> Session:
        """The session, with the URL of each chain's each endpoint."""
        further = {name: [url(name, 1 + place) for place in range(1, self.endpoints[name])] for name in self.chains}
        return self.describe({name: url(name, 1) for name in self.chains}, further)

    def _transport(self, chain: Chain, submits: Submits) -> Transport:
        gates = {
            f"endpoint {number}": Gate(
                chain, self.scheduler, self.policies[chain.name].at(number), submits, timeout_s=RPC_TIMEOUT_S
            )
            for number in range(1, self.endpoints[chain.name] + 1)
        }
        return over_all(
            gates,
            chain_id=chain.profile.chain_id,
            patience=IMPATIENT,
            now=lambda: self.scheduler.now_ms / 1000,
            sleep=self.scheduler.sleep,
            notify=lambda text: self.recorder.add(
                Note(t_ms=self.scheduler.now_ms, kind="rpc", text=text, chain=chain.name)
            ),
        )

    def _process(self, submits: Mapping[str, Submits]) -> tuple[RelayerProcess, FaultProxy]:
        # Needs aiohttp, which is slow to import: runs under the virtual clock do without.
        from lab.faults.transport.proxy import FaultProxy

        proxy = FaultProxy(self.chains, self.policies, submits, self.endpoints)
        proxy.start()
        RequestWatch(self.scheduler, self.recorder, lambda: proxy.counts).start()
        launch = self._launch(self._described(proxy.url))
        process = RelayerProcess(
            launch,
            self.scheduler,
            self.recorder,
            list(submits.values()),
            self.reaper,
            requests=lambda: proxy.requests,
        )
        return process, proxy

    def _launch(self, described: Session) -> Launch:
        path = (self.folder / "session.json").absolute()
        # It may run in another folder than this process does.
        session = described.model_copy(
            update={
                "key_file": str(Path(described.key_file).absolute()),
                "store_path": str(Path(described.store_path).absolute()),
            }
        )
        session.write(path)
        log = self.folder / "logs" / "relayer.log"
        own = self.command
        if own is None:
            return Launch(tuple(reference_command(path, Path(session.store_path))), session, path, log)
        variables = own.variables(path)
        slowest_ms = max(chain.profile.block_time_ms for chain in self.chains.values())
        return Launch(
            tuple(own.argv(path)),
            session,
            path,
            log,
            working_folder=own.folder,
            quiet_ms=QUIET_BLOCKS * slowest_ms,
            variables=variables,
            clock=dilation(own.argv(path), own.folder, session, {**os.environ, **variables}),
        )


def await_ready(proxy: FaultProxy, scheduler: Scheduler, process: RelayerProcess, command: RelayerCommand) -> None:
    """Wait until it has asked every chain once, and until genesis. Raises RelayerFailure if it dies or never asks."""
    begun_ms = scheduler.now_ms
    while missed := proxy.never_asked():
        if scheduler.now_ms - begun_ms > scheduler.of_wall(READY_WITHIN_S):
            names = ", ".join(missed) if proxy.asked() else "any chain"
            raise process.failure(
                f"never polled {names} within {READY_WITHIN_S:g} s of its start",
                f"at least one request to each chain's rpc_url in {process.session_path.name} "
                f"(it polled {', '.join(proxy.asked()) or 'none'})",
                hints=f"Its command: `{command.shown}`. {_hints(proxy.turned_away)}",
                began=False,
            )
        scheduler.advance_to(scheduler.now_ms + scheduler.of_wall(READY_STEP_S))
    process.require_dilated()
    command.started_within(scheduler.on_wall(scheduler.now_ms - begun_ms))
    scheduler.advance_to(max(0, scheduler.now_ms))


def _hints(turned_away: Iterable[str]) -> str:
    """Sentences on why requests may not have come: what was turned away, and proxies in the environment."""
    hints = [f"the fault proxy turned away {request}" for request in turned_away]
    if names := proxies_set(os.environ):
        hints.append(f"{', '.join(names)} is set, and not every client heeds NO_PROXY")
    return "".join(f"{sentence(hint)}. " for hint in hints)
