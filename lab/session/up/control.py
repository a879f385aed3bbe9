"""From outside of the supervisor: start it in the background, look at what it keeps running, stop it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.chains.processes.python_child import python_command
from lab.chains.processes.reaper import remove_leftovers
from lab.errors import EnvironmentFailure, LabError
from lab.model.session import Session, SessionChain
from lab.rpc import HttpTransport, Rpc, RpcFailure
from lab.session.up.files import UpFolder, UpOptions, UpState

STOPS_WITHIN_S = 20
ANSWERS_WITHIN_S = 2.0
POLL_S = 0.05


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
    def healthy(self) -> bool:
        """Whether everything that was to be started is there, lives and is mined."""
        running = self.state.alive and self.state.phase == "running" and self.state.relayer != "dead"
        nodes = [node.head is not None and node.problem is None for node in self.nodes]
        return running and bool(nodes) and all(nodes)


def start_background(options: UpOptions, tell: Callable[[str], None]) -> tuple[Session, str]:
    """Start the supervisor and wait until the networks are up: the session, and why this backend.

    Raises LabError with nothing left running. Ctrl-C while waiting stops what was started.
    """
    options.profiles()
    folder = UpFolder(Path(options.results))
    folder.refuse_second()
    folder.path.mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as pipe, folder.log.open("ab") as log:
        try:
            process = subprocess.Popen(
                python_command("-m", "lab.session.up.supervisor", options.to_json(), str(writing)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(writing,), start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(writing)
        try:
            reason = _await_ready(pipe, process, folder, tell)
        except BaseException:
            _end(process)
            raise
    session = folder.session()
    if session is None:
        _end(process)
        raise EnvironmentFailure(f"{folder.path}: expected the session file of the networks just started, found none")
    return session, reason


def _await_ready(pipe: Any, process: subprocess.Popen[bytes], folder: UpFolder, tell: Callable[[str], None]) -> str:
    """Every wait inside of the supervisor has its deadline, and the pipe ends with it."""
    for line in pipe:
        message = json.loads(line)
        if "ready" in message:
            return str(message["ready"])
        if "error" in message:
            raise StartFailure(message["error"], message["exit_code"])
        tell(message["progress"])
    code = process.wait(STOPS_WITHIN_S)
    tail = "\n".join(f"  | {line}" for line in folder.log.read_text(errors="replace").splitlines()[-15:])
    raise EnvironmentFailure(f"the supervisor ended with code {code} before the networks were up. Its log:\n{tail}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def look(folder: UpFolder) -> UpStatus | None:
    """What runs here; None where nothing was started, or all was stopped."""
    state, session = folder.state(), folder.session()
    if state is None:
        return None
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
    state = folder.state()
    if state is None:
        folder.clear()
        return []
    if not state.alive:
        folder.clear()
        return [f"the supervisor of {state} had died: its state is removed", *remove_leftovers()]
    done = [f"stopped {state}"]
    os.kill(state.pid, signal.SIGTERM)
    if not _ended(state):
        os.kill(state.pid, signal.SIGKILL)
        _ended(state)
        done = [f"killed {state}: it did not stop within {STOPS_WITHIN_S} s", *remove_leftovers()]
    folder.clear()
    return done


def _ended(state: UpState) -> bool:
    deadline = time.monotonic() + STOPS_WITHIN_S
    while state.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
