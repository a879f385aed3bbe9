"""Starts a lab's relayer behind its fault layer: the reference one in process, or any one as a process of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lab.chains.loopback import proxies_set
from lab.coordinator import role_account
from lab.errors import DeadlineExceeded
from lab.faults.transport.gate import Gate
from lab.faults.transport.submits import Submits
from lab.rpc import Transport
from lab.scenario.item import RelayerSpec
from lab.session.relayer.actor import RelayerActor
from lab.session.relayer.command import RelayerCommand
from lab.session.relayer.process import RelayerProcess, reference_command

if TYPE_CHECKING:
    from lab.session.lab import Lab

READY_WITHIN_S = 60.0
READY_STEP_MS = 50
# The user's relayer need not poll as often as the session proposes: it rests after so many of the slowest blocks.
QUIET_BLOCKS = 2


def start_relayer(lab: Lab, spec: RelayerSpec, timeout_s: float) -> RelayerActor | RelayerProcess:
    """Start it, and for the user's own wait until it is ready. Raises LabError with the process still to be ended."""
    codec = lab.wanted.target.codec
    submits = {name: Submits(chain, lab.scheduler, lab.recorder, codec) for name, chain in lab.chains.items()}
    if lab.wanted.clock == "virtual":
        lab.relayer = actor = _actor(lab, spec, submits, timeout_s)
        actor.start()
        return actor
    lab.relayer = process = _process(lab, spec, submits)
    process.start()
    if lab.wanted.relayer_command is not None:
        await_ready(lab, process, lab.wanted.relayer_command)
    return process


def _actor(lab: Lab, spec: RelayerSpec, submits: Mapping[str, Submits], timeout_s: float) -> RelayerActor:
    transports: dict[str, Transport] = {
        name: Gate(chain, lab.scheduler, lab.policies[name], submits[name], timeout_s=timeout_s)
        for name, chain in lab.chains.items()
    }
    session = lab.session({name: f"gate:{name}" for name in lab.chains}, spec)
    session.write(lab.wanted.folder / "session.json")
    factory = lab.wanted.relayer_factory
    return RelayerActor(session, transports, role_account("relayer"), lab.scheduler, lab.recorder, factory)


def _process(lab: Lab, spec: RelayerSpec, submits: Mapping[str, Submits]) -> RelayerProcess:
    # Needs aiohttp, which is slow to import: runs under the virtual clock do without.
    from lab.faults.transport.proxy import FaultProxy

    path = (lab.wanted.folder / "session.json").absolute()
    lab.proxy = proxy = FaultProxy(lab.chains, lab.policies, submits)
    proxy.start()
    session = lab.session({name: proxy.url(name) for name in lab.chains}, spec)
    # It may run in another folder than this process does.
    session = session.model_copy(
        update={"key_file": str(Path(session.key_file).absolute()), "store_path": str(lab.store_path.absolute())}
    )
    session.write(path)
    own = lab.wanted.relayer_command
    slowest_ms = max(chain.profile.block_time_ms for chain in lab.chains.values())
    return RelayerProcess(
        reference_command(path, Path(session.store_path)) if own is None else own.argv(path),
        session,
        path,
        lab.wanted.folder / "logs" / "relayer.log",
        lab.scheduler,
        lab.recorder,
        list(submits.values()),
        lab.backend.reaper,
        working_folder=None if own is None else own.folder,
        quiet_ms=0 if own is None else QUIET_BLOCKS * slowest_ms,
        variables=None if own is None else own.variables(path),
        requests=lambda: proxy.requests,
    )


def await_ready(lab: Lab, process: RelayerProcess, command: RelayerCommand) -> None:
    """Wait until it has asked every chain once, and until genesis. Raises LabError if it dies first, or never asks."""
    assert lab.proxy is not None
    scheduler, begun_ms = lab.scheduler, lab.scheduler.now_ms
    while never := lab.proxy.never_asked():
        if scheduler.now_ms - begun_ms > READY_WITHIN_S * 1000:
            asked = [name for name in lab.chains if name not in never]
            raise DeadlineExceeded(
                f"the relayer never polled {', '.join(never)} within {READY_WITHIN_S:g} s of its start; expected at "
                f"least one request to each chain's rpc_url in {process.session_path} "
                f"(it polled {', '.join(asked) or 'none'}). Its command: `{command.told}`. "
                f"{_hints(lab.proxy.turned_away)}"
                f"Its last log lines ({process.log_path}):\n{process.log_tail()}"
            )
        scheduler.advance_to(scheduler.now_ms + READY_STEP_MS)
    command.started_within((scheduler.now_ms - begun_ms) / 1000)
    scheduler.advance_to(max(0, scheduler.now_ms))


def _hints(turned_away: Iterable[str]) -> str:
    """Sentences on why requests may not have come: what was turned away, and proxies in the environment."""
    told = [f"the fault proxy turned away {each}" for each in turned_away]
    if names := proxies_set(os.environ):
        told.append(f"{', '.join(names)} is set, and not every client heeds NO_PROXY")
    return "".join(f"{each[0].upper()}{each[1:]}. " for each in told)
