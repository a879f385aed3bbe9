"""The process backend: each node is an anvil child process with a temporary directory of its own.

Where the machine allows it, nodes have a network of their own with a guard in front (`guard`). Elsewhere Anvil picks
its port itself (`--port 0`), which is read from its listening socket: no other program can take it in between.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from lab.bounded_files import write_atomically
from lab.chains.nodes.backend import HOST, POLL_S, START_DEADLINE_S, NodeSpec, ask, with_defaults
from lab.chains.nodes.guard import Guard, start_guard
from lab.chains.nodes.kept import KeptNodes
from lab.chains.nodes.provision import AnvilBinary, locate_anvil
from lab.chains.nodes.usage import listening_port, processor_seconds, resident_bytes
from lab.chains.processes.child import Child, how_ended
from lab.chains.processes.log_tail import LINES, last_lines
from lab.chains.processes.reaper import Reaper
from lab.environment import with_advice
from lab.errors import EnvironmentFailure, NodeFailure
from lab.owner import make_directory, remove_directory


class ProcessNode:
    """One anvil. `launch` starts it, `ready` says whether it answers yet; the rest is the Node protocol."""

    direct = True

    def __init__(
        self, anvil: Path, spec: NodeSpec, reaper: Reaper, shared_guard: Guard | None, kept: KeptNodes[ProcessNode]
    ) -> None:
        # Another one for each run that it is kept for, with the same flags.
        self.spec = spec
        self._anvil, self._reaper, self._shared_guard, self._kept, self._left = anvil, reaper, shared_guard, kept, False
        self._child: Child | None = None
        # Its place in the guard's network, and where others reach it; the same thing without a guard.
        self._inner_port: int | None = None
        self._port: int | None = None
        self._guard: Guard | None = None
        try:
            self._folder = make_directory(spec.name)
        except OSError as error:
            raise EnvironmentFailure(
                f"no temporary directory for node {spec.name}: {with_advice(error)}. Free space there, or set "
                "TMPDIR to another folder."
            ) from error
        reaper.watch_dir(self._folder)
        self._log = self._folder / "anvil.log" if spec.lasting or spec.log_path is None else spec.log_path
        self._logged = 0

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def url(self) -> str:
        if self._port is None:
            raise NodeFailure(f"node {self.name} has no URL: it has not been started, or was stopped")
        return f"http://{HOST}:{self._port}"

    def connect(self, timeout_s: float) -> socket.socket:
        """See `Node.connect`."""
        if self._inner_port is None:
            raise ConnectionRefusedError(f"node {self.name} is not running")
        if self._guard is not None:
            return self._guard.open(self._inner_port, timeout_s)
        return socket.create_connection((HOST, self._inner_port), timeout_s)

    def new_socket(self) -> socket.socket:
        """See `Node.new_socket`."""
        if self._guard is not None and self.spec.private:
            return self._guard.new_socket()
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def launch(self) -> None:
        """Start the process without waiting for it. Raises NodeFailure."""
        self._port = self._inner_port = None
        cache = self._folder / "cache"
        port = self._enter()
        anvil = [str(self._anvil), "--host", HOST, "--port", str(port or 0), "--cache-path", str(cache)]
        self._start([*anvil, *with_defaults(self.spec.args)], cache)
        if port is not None:
            self._inner_port, self._port = port, self._port or port

    def _enter(self) -> int | None:
        """Have a guard, if this machine allows one, and a port in its network. Raises NodeFailure."""
        self._leave()
        if self._shared_guard is None or self.spec.private:
            self._guard = self._shared_guard
        else:
            try:
                with socket.create_server((HOST, 0), backlog=128) as listener:
                    self._guard = Guard.start(self.spec.run_id, self._log, self._reaper, listener)
                    self._port = listener.getsockname()[1]
            except OSError as error:
                raise NodeFailure(f"node {self.name} could not have a guard: {with_advice(error)}") from error
        return self._guard.next_port() if self._guard is not None else None

    def _leave(self) -> None:
        """End a guard that is this node's alone."""
        if self._guard is not None and not self.spec.private:
            self._guard.close()
        self._guard = None

    def _start(self, command: list[str], cache: Path) -> None:
        try:
            if not os.access(self._anvil, os.X_OK):
                raise PermissionError(errno.EACCES, "Permission denied")
            shutil.rmtree(cache, ignore_errors=True)
            self._child = Child.start(
                [*(self._guard.entering() if self._guard is not None else ()), *command],
                run_id=self.spec.run_id,
                log=self._log,
                reaper=self._reaper,
                folder=self._folder,
                pass_fds=self._guard.fds if self._guard is not None else (),
            )
        except OSError as error:
            raise NodeFailure(
                f"node {self.name} could not be started with `{' '.join(command)}`: {with_advice(error)}"
            ) from error

    def ready(self) -> bool:
        """Whether it answers eth_chainId. Raises NodeFailure when it ended instead."""
        if self._child is None:
            return False
        if (code := self._child.returncode) is not None:
            raise NodeFailure(
                f"node {self.name} died at start, with {how_ended(code)}; expected an answer to eth_chainId. "
                f"Its flags: {' '.join(self.spec.args)}\nIts last log lines:\n{self._child.log_tail()}"
            )
        if self._inner_port is None:
            self._inner_port = self._port = listening_port(self._child.pid)
        return self._inner_port is not None and ask(self._inner_port, "eth_chainId", connect=self.connect) is not None

    def alive(self) -> bool:
        return self._child is not None and self._child.alive

    def log_tail(self, lines: int = LINES) -> str:
        return last_lines(self._log, lines)

    def pause(self) -> None:
        pid = self._signal(signal.SIGSTOP)
        # The signal only begins the stop: until the last thread has stopped, a request could still be answered. The
        # status is left in place (WNOWAIT), as an exit belongs to Popen. macOS has no waitid before Python 3.13.
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def restart(self) -> ProcessNode:
        self.kill()
        self.launch()
        _await_all([self])
        return self

    def leave(self) -> None:
        self._left = self.spec.lasting and self.alive()

    def stop(self) -> None:
        left, self._left = self._left, False
        self._hand_over_log()
        if left and self._kept.keep(self, self.spec):
            return
        self.kill()
        self._port = self._inner_port = None
        self._leave()
        remove_directory(self._folder)

    def memory_bytes(self) -> int | None:
        return resident_bytes(self.pid if self.alive() else None)

    def cpu_seconds(self) -> float | None:
        return processor_seconds(self.pid if self.alive() else None)

    def _hand_over_log(self) -> None:
        """Put what it logged in this run where the run wants it."""
        if self.spec.log_path is not None and self._log != self.spec.log_path:
            with contextlib.suppress(FileNotFoundError), self._log.open("rb") as log:
                log.seek(self._logged)
                write_atomically(self.spec.log_path, log.read())
                self._logged = log.tell()
            # Nothing that comes later is of this run.
            self.spec = replace(self.spec, log_path=None)

    def _signal(self, number: signal.Signals) -> int:
        if self._child is None or not self._child.signal(number):
            raise NodeFailure(
                f"node {self.name} cannot take {number.name}: it is not running. Its last log lines:\n{self.log_tail()}"
            )
        return self._child.pid


class ProcessBackend:
    """Starts anvil child processes. With no `reaper` of the caller's it has its own."""

    name: Literal["process"] = "process"

    def __init__(self, anvil: AnvilBinary | None = None, reaper: Reaper | None = None) -> None:
        self.anvil = anvil or locate_anvil()
        self._own_reaper = reaper is None
        self.reaper = reaper or Reaper.start()
        self._nodes: list[ProcessNode] = []
        self._kept = KeptNodes[ProcessNode]()
        self._guard: Guard | None = None
        self._guarding = True
        self._folder: Path | None = None

    def start_all(self, specs: Sequence[NodeSpec]) -> list[ProcessNode]:
        nodes: list[ProcessNode] = []
        try:
            for spec in specs:
                kept, new = self._kept.take(spec), (self.anvil.path, spec, self.reaper)
                nodes.append(kept or ProcessNode(*new, self._shared_guard(spec.run_id), self._kept))
                if kept is None:
                    self._nodes.append(nodes[-1])
                    nodes[-1].launch()
            _await_all(nodes)
        except BaseException:
            for node in nodes:
                node.stop()
            raise
        for node, spec in zip(nodes, specs, strict=True):
            self._kept.started(node, spec)
        return nodes

    def _shared_guard(self, run_id: str) -> Guard | None:
        """The guard of all private nodes, started for the first of them; None where there can be none."""
        if self._guarding and (self._guard is None or not self._guard.alive):
            if self._folder is None:
                self._folder = make_directory("guard")
                self.reaper.watch_dir(self._folder)
            self._guard = start_guard(run_id, self._folder / "guard.log", self.reaper)
            self._guarding = self._guard is not None
        return self._guard

    def describe(self) -> dict[str, Any]:
        return {
            "backend": self.name,
            "anvil_version": self.anvil.version,
            "anvil_path": str(self.anvil.path),
            "anvil_source": self.anvil.source,
            "anvil_sha256": _digest_of(self.anvil.path, self.anvil.path.stat().st_mtime_ns),
        }

    def close(self) -> None:
        # The stack goes on to the next one when one fails, and closes the reaper last.
        with contextlib.ExitStack() as stack:
            if self._own_reaper:
                stack.callback(self.reaper.close)
            if self._folder is not None:
                stack.callback(remove_directory, self._folder)
            if self._guard is not None:
                stack.callback(self._guard.close)
            for node in self._nodes:
                stack.callback(node.stop)
            self._nodes.clear()


@lru_cache(maxsize=16)
def _digest_of(binary: Path, written_ns: int) -> str:
    """Its sha256: computed once for as long as nothing is written to the file, since every run's manifest has it."""
    with binary.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _await_all(nodes: Sequence[ProcessNode]) -> None:
    """Wait until each one answers; one thread suffices, as a node that is not ready says so at once."""
    deadline = time.monotonic() + START_DEADLINE_S
    waiting = list(nodes)
    while waiting := [node for node in waiting if not node.ready()]:
        if time.monotonic() > deadline:
            node = waiting[0]
            raise NodeFailure(
                f"node {node.name} did not answer eth_chainId within {START_DEADLINE_S:.0f} s. "
                f"Its last log lines:\n{node.log_tail()}"
            )
        time.sleep(POLL_S)
