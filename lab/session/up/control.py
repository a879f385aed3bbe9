"""From outside of the supervisor: start it in the background, look at what it keeps running, stop it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.chains.processes.child import Child
from lab.chains.processes.leftovers import find_leftovers
from lab.chains.processes.python_child import python_command
from lab.errors import EnvironmentFailure, LabError
from lab.model.session import Session, SessionChain
from lab.rpc import HttpTransport, Rpc, RpcFailure
from lab.session.up.files import UnreadableState, UpFolder, UpOptions, UpState

STOPS_WITHIN_S = 20
ANSWERS_WITHIN_S = 2.0
POLL_S = 0.05
# A supervisor writes its state every three seconds.
HEALS_WITHIN_S = 8.0


class StartFailure(LabError):
    """The supervisor's own error, with its own exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One chain as it answers now. `head` is None where it does not answer."""

    chain: SessionChain
    head: int | None
    memory_bytes: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class UpStatus:
    """What runs in a folder. `session` is None while the supervisor starts, and where it left none."""

    state: UpState
    session: Session | None
    nodes: tuple[NodeStatus, ...]

    @property
    def relayer(self) -> str:
        """How the relayer is: what a dead supervisor last said of it is past."""
        return self.state.relayer if self.state.alive or self.state.relayer == "off" else "dead"

    @property
    def healthy(self) -> bool:
        """Whether everything that was to be started is there, lives and is mined."""
        running = self.state.alive and self.state.phase == "running" and self.state.relayer != "dead"
        nodes = [node.head is not None and node.problem is None for node in self.nodes]
        return running and bool(nodes) and all(nodes)


def start_background(options: UpOptions, notify: Callable[[str], None]) -> tuple[Session, str]:
    """Start the supervisor and wait until the networks are up: the session, and why this backend.

    Raises LabError with nothing left running. Ctrl-C while waiting stops what was started.
    """
    options.profiles()
    folder = UpFolder(Path(options.results))
    folder.refuse_second()
    folder.path.mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as pipe:
        try:
            command = python_command("-m", "lab.session.up.supervisor", options.model_dump_json(), str(writing))
            supervisor = Child.start_detached(command, log=folder.log, pass_fds=(writing,))
        finally:
            os.close(writing)
        try:
            reason = _await_ready(pipe, supervisor, notify)
            session = folder.session()
            if session is None:
                raise EnvironmentFailure(f"{folder.path}: expected the session file of the networks just started")
        except BaseException:
            supervisor.stop(STOPS_WITHIN_S)
            raise
    return session, reason


def _await_ready(pipe: Any, supervisor: Child, notify: Callable[[str], None]) -> str:
    """Every wait inside of the supervisor has its deadline, and the pipe ends with it."""
    for line in pipe:
        message = json.loads(line)
        if "ready" in message:
            return str(message["ready"])
        if "error" in message:
            raise StartFailure(message["error"], message["exit_code"])
        notify(message["progress"])
    supervisor.wait(STOPS_WITHIN_S)
    raise EnvironmentFailure(
        f"the supervisor ended with code {supervisor.returncode} before the networks were up. Its log "
        f"({supervisor.log}):\n{supervisor.log_tail()}"
    )


def look(folder: UpFolder) -> UpStatus | None:
    """What runs here; None where nothing was started, or all was stopped."""
    state = folder.state()
    if state is None:
        return None
    session = folder.session()
    nodes = () if session is None else tuple(_node(chain, state) for chain in session.chains.values())
    return UpStatus(state, session, nodes)


def _node(chain: SessionChain, state: UpState) -> NodeStatus:
    transport = HttpTransport(chain.rpc_url, timeout_s=ANSWERS_WITHIN_S)
    head: int | None = None
    problem = state.problems.get(chain.name)
    try:
        rpc = Rpc(transport)
        # After a crash another program may have got the port.
        if rpc.chain_id() == chain.chain_id:
            head = rpc.block_number()
        else:
            problem = problem or f"{chain.rpc_url} answers with another chain id"
    except RpcFailure as error:
        problem = problem or str(error)
    finally:
        transport.close()
    return NodeStatus(chain, head, state.memory_bytes.get(chain.name) if head is not None else None, problem)


def stop(folder: UpFolder) -> list[str]:
    """Stop the supervisor and all that it keeps; a line for each thing done. Nothing to stop is no error."""
    try:
        state = _settled_state(folder)
    except UnreadableState as failure:
        if folder.is_locked():
            raise
        folder.clear()
        return [f"{str(failure).partition(';')[0]}: it is removed", *_removed()]
    if state is None:
        folder.clear()
        return []
    if not state.alive:
        folder.clear()
        why = "had died" if state.supervisor.state == "dead" else "is of another machine, container or boot"
        return [f"the supervisor of {state} {why}: its state is removed", *_removed()]
    done = [f"stopped {state}"]
    os.kill(state.supervisor.pid, signal.SIGTERM)
    if not _ended(state):
        os.kill(state.supervisor.pid, signal.SIGKILL)
        _ended(state)
        done = [f"killed {state}: it did not stop within {STOPS_WITHIN_S} s", *_removed()]
    folder.clear()
    return done


def _settled_state(folder: UpFolder) -> UpState | None:
    """The state. A living supervisor soon writes a damaged one again. Raises UnreadableState."""
    deadline = time.monotonic() + HEALS_WITHIN_S
    while True:
        try:
            return folder.state()
        except UnreadableState:
            if not folder.is_locked() or time.monotonic() > deadline:
                raise
            time.sleep(POLL_S)


def _removed() -> list[str]:
    return [f"removed {thing}" for thing in find_leftovers(ask_engine=True) if thing.remove()]


def _ended(state: UpState) -> bool:
    deadline = time.monotonic() + STOPS_WITHIN_S
    while state.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
