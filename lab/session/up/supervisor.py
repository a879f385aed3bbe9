"""The supervisor of `lab up`: keeps networks running for manual use until it is told to stop.

In the background it is a process of its own (`python -m lab.session.up.supervisor`); whoever started it learns through
a pipe whether it came up. If it is killed, its reaper removes the nodes and the relayer.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from lab.chains.processes.guest_log import GuestLog
from lab.chains.processes.process_group import ProcessGroup
from lab.chains.processes.reaper import Reaper
from lab.environment import with_advice
from lab.errors import EnvironmentFailure, LabError
from lab.evidence import Unrecorded
from lab.model.session import Session
from lab.owner import this_process
from lab.scenario.item import ChainSpec, RelayerSpec
from lab.session.keys import hand_to_guest, write_keys
from lab.session.lab import Lab, LabSpec, open_lab
from lab.session.relayer.command import RelayerCommand, not_started, secrets_of
from lab.session.relayer.dilation import dilation
from lab.session.relayer.launch import SESSION_VARIABLE, reference_command
from lab.session.suite import new_run_id, open_suite
from lab.session.under_test import SystemUnderTest, system_under_test
from lab.session.up.files import KEYS, SESSION, STORE, UpFolder, UpOptions, UpState

WINDOW_S = 30
RELAYER_POLL_MS = 2000
RELAYER_STOPS_WITHIN_S = 5
REPORT_EVERY_S = 3.0
# How long a signal or the report waits at most.
TICK_S = 0.2
RELAYER_LOG = Path("logs") / "relayer.log"

Notify = Callable[[str], None]


def supervise(options: UpOptions, ready: Callable[[Session, str], None], notify: Notify) -> None:
    """Start everything, call `ready` with the session and the backend's reason, mine until a signal comes.

    Raises LabError with nothing left running. SIGINT ends it with KeyboardInterrupt, SIGTERM and SIGHUP quietly.
    """
    folder = UpFolder(Path(options.results))
    chains = {name: ChainSpec(name, profile, profile.finality) for name, profile in options.profiles().items()}
    with _signals() as stopping, folder.locked() as left, ExitStack() as stack:
        if left is not None:
            notify(f"the supervisor of {left} had died: its state is replaced")
        folder.clear()
        folder.clear_logs()
        stack.callback(folder.clear)
        state = UpState(
            run_id=new_run_id(),
            owner=this_process().mark,
            place=this_process().place,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            networks=tuple(chains),
        )
        folder.write(state)
        system = system_under_test(
            contract=Path(options.contract) if options.contract else None, relayer_cmd=options.relayer_cmd
        )
        suite = open_suite(
            run_id=state.run_id,
            backend=options.backend,
            image=options.image,
            system=system,
            notify=notify,
        )
        stack.callback(suite.close)
        spec = LabSpec(state.run_id, chains, suite.target, 1, WINDOW_S, folder.path, clock="real", speed=options.speed)
        lab = stack.enter_context(open_lab(spec, suite.backend, Unrecorded()))
        lab.set_up()
        session = _write_session(lab, folder, system if options.relayer else system.without_relayer("--no-relayer"))
        relayer = _start_relayer(system.relayer, folder, session, suite.reaper, stack) if options.relayer else None
        state = state.model_copy(update={"phase": "running", "backend": suite.backend.name})
        report = _Report(folder, state, lab, relayer, notify)
        for name, chain in lab.chains.items():
            chain.producer.listeners.clear()
            chain.on_turn = partial(report.problem, name)
        report.write()
        ready(session, suite.reason)
        while not (stopping or report.folder_gone):
            lab.scheduler.advance_to(lab.scheduler.now_ms + lab.scheduler.of_wall(TICK_S))
            report.write()


def _write_session(lab: Lab, folder: UpFolder, system: SystemUnderTest) -> Session:
    urls = {name: chain.node.url for name, chain in lab.chains.items()}
    session = lab.session(urls, RelayerSpec(RELAYER_POLL_MS, "ready"), system)
    write_keys(folder.path / KEYS)
    session.write(folder.path / SESSION)
    return session


def _start_relayer(
    own: RelayerCommand | None, folder: UpFolder, described: Session, reaper: Reaper, stack: ExitStack
) -> _Relayer:
    """The relayer as a process of its own; the stack stops it, and whatever it started goes with it."""
    session, working_folder = hand_to_guest(described, folder.path), own.folder if own is not None else Path.cwd()
    words = own.argv(session) if own is not None else reference_command(session, folder.path / STORE)
    variables = own.variables(session) if own is not None else {}
    clock = dilation(words, working_folder, described, {**os.environ, **variables}) if own is not None else {}
    log = GuestLog(folder.path / RELAYER_LOG, secrets_of(words, variables).redact_in)
    stack.callback(log.close)
    try:
        group = ProcessGroup.start(
            words,
            run_id=described.run_id,
            log=log,
            reaper=reaper,
            environment={**variables, **clock, SESSION_VARIABLE: str(session)},
            folder=working_folder,
        )
    except OSError as error:
        raise not_started(words, working_folder, error) from error
    stack.callback(group.stop, RELAYER_STOPS_WITHIN_S)
    return _Relayer(group, log)


@dataclass(frozen=True, slots=True)
class _Relayer:
    group: ProcessGroup
    log: GuestLog


class _Report:
    """Keeps the state file true: memory, problems, the relayer's life."""

    def __init__(self, folder: UpFolder, state: UpState, lab: Lab, relayer: _Relayer | None, notify: Notify) -> None:
        self._folder, self._state, self._lab, self._relayer, self._notify = folder, state, lab, relayer, notify
        self._problems: dict[str, str] = {}
        self._next = 0.0
        self.folder_gone = False

    def problem(self, chain: str, error: LabError | None) -> None:
        """How a chain's turn went: it cannot be mined, or can be again."""
        if error is None and chain in self._problems:
            del self._problems[chain]
            self._notify(f"{chain}: is mined again")
        elif error is not None and chain not in self._problems:
            self._notify(f"{chain}: {error}")
            self._problems[chain] = str(error)
        else:
            return
        self._next = 0.0

    def write(self) -> None:
        """Write the state, every few seconds; what the relayer says, as often as its log does that."""
        if self._relayer is not None:
            self._relayer.log.publish()
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + REPORT_EVERY_S
        relayer = "off"
        if self._relayer is not None:
            relayer = "running" if self._relayer.group.alive else "dead"
            if relayer == "dead" and self._state.relayer == "running":
                self._relayer.log.publish(ended=True)
                self._notify("relayer: it ended unasked, see logs/relayer.log")
        self._state = self._state.model_copy(
            update={"relayer": relayer, "problems": dict(self._problems), "memory_bytes": self._memory()}
        )
        try:
            self._folder.write(self._state)
        except OSError as error:
            self._notify(f"cannot write the state file: {error}")
            # Nobody could find, let alone stop, a lab whose folder was removed.
            self.folder_gone = not self._folder.path.is_dir()

    def _memory(self) -> dict[str, int | None]:
        memory: dict[str, int | None] = {}
        for name, chain in self._lab.chains.items():
            with contextlib.suppress(LabError):
                memory[name] = chain.memory_bytes()
        return memory


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """The first signal ends what runs, wherever it is; later ones do not disturb the cleaning up."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    received: list[int] = []

    def stop(number: int, _: Any) -> None:
        received.append(number)
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(0)

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: list[str]) -> int:
    """The background process: options as JSON, and the number of the pipe that its starter reads."""
    options = UpOptions.model_validate_json(arguments[0])
    pipe = os.fdopen(int(arguments[1]), "w", encoding="utf-8")
    started = False

    def send(**message: str | int) -> None:
        # The starter may have gone; the networks stay.
        with contextlib.suppress(OSError, ValueError):
            pipe.write(json.dumps(message) + "\n")
            pipe.flush()

    def log(text: str) -> None:
        # The disk of the log may be full.
        with contextlib.suppress(OSError):
            print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}", flush=True)

    def notify(text: str) -> None:
        log(text)
        if not started:
            send(progress=text)

    def ready(session: Session, reason: str) -> None:
        nonlocal started
        started = True
        log(f"run {session.run_id} is up; {reason}")
        send(ready=reason)
        pipe.close()

    try:
        supervise(options, ready, notify)
    except LabError as error:
        log(f"error: {error}")
        send(error=str(error), exit_code=error.exit_code)
        return error.exit_code
    except OSError as error:
        log(f"error: {error}")
        send(error=f"{options.results}: {with_advice(error)}", exit_code=EnvironmentFailure.exit_code)
        return EnvironmentFailure.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
