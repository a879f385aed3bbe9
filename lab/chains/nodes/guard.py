"""Starts nodes where nobody reaches them but through a guard, which lets no page of a browser pass.

Anvil answers whatever Host and Origin a request has, by HTTP and by WebSocket, and has no switch for either. So a node
runs in a network of its own (a Linux network namespace), and the guard, a process in the same network, is the only way
in. It looks at the first request of each connection, and hands on bytes after that. A browser names its page in
`Origin` with every POST and every WebSocket, and a rebound host name in `Host`: neither gets through. The lab itself is
handed sockets of that network, and so reaches the node without the guard between.

The nodes of a backend that nobody else is to reach share one guard and its network. One that others reach has a guard
of its own, which listens for it. The guard is `guard_program.py`, started as a plain file, isolated; util-linux's
`nsenter` starts a node in its network. Where a machine does not allow that, as macOS does not, nodes listen on
127.0.0.1 without a guard.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path

from lab.chains.nodes import guard_program
from lab.chains.nodes.guard_program import HEAD_S, LOOPBACK
from lab.chains.processes.child import Child, tied_to_parent
from lab.chains.processes.reaper import Reaper
from lab.owner import make_directory, remove_directory

# Every port of a network of its own is free; from the first of the ephemeral ones on, connections have theirs.
PORTS = range(8545, 32768)
# How long the guard's process may take to start.
START_S = 60.0


@cache
def guarding_works() -> bool:
    """Whether this machine lets a process have a network of its own, and others enter it."""
    with contextlib.closing(Reaper.start()) as reaper:
        folder = make_directory("guard-probe")
        try:
            guard = start_guard("guard-probe", folder / "guard.log", reaper)
            if guard is not None:
                guard.close()
        finally:
            remove_directory(folder)
    return guard is not None


def start_guard(run_id: str, log: Path, reaper: Reaper) -> Guard | None:
    """One that nodes can enter; None where this machine does not allow it."""
    if not sys.platform.startswith("linux"):
        return None
    guard: Guard | None = None
    try:
        guard = Guard.start(run_id, log, reaper)
        trial = [*guard.entering(), "true"]
        subprocess.run(trial, pass_fds=guard.fds, capture_output=True, check=True, timeout=START_S)
    except (OSError, subprocess.SubprocessError):
        if guard is not None:
            guard.close()
        return None
    return guard


class Guard:
    """A network with the process that leads into it. Made by `start`. Safe for several threads."""

    def __init__(self, child: Child, door: socket.socket) -> None:
        self._child, self._door = child, door
        self._lock = threading.Lock()
        self._ports = itertools.cycle(PORTS)
        self._namespaces: dict[str, int] = {}

    @classmethod
    def start(cls, run_id: str, log: Path, reaper: Reaper, listener: socket.socket | None = None) -> Guard:
        """Start it, with `listener` for the node that gets its first port. Raises OSError."""
        door, guards = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with guards:
            fds = [guards.fileno()] if listener is None else [guards.fileno(), listener.fileno()]
            words = [*map(str, fds), *([] if listener is None else [str(PORTS[0])])]
            # Neither the working folder nor installed packages have a say in it.
            program = [sys.executable, "-I", "-S", str(Path(guard_program.__file__).resolve()), *words]
            child = Child.start(program, run_id=run_id, log=log, reaper=reaper, pass_fds=tuple(fds))
        guard = cls(child, door)
        try:
            door.settimeout(START_S)
            kinds, namespaces, _, _ = socket.recv_fds(door, 64, 2)
            if not namespaces:
                raise OSError("no network namespace is to be had")
            guard._namespaces = dict(zip(kinds.decode().split(","), namespaces, strict=True))
            door.settimeout(HEAD_S)
        except OSError:
            guard.close()
            raise
        return guard

    @property
    def alive(self) -> bool:
        return self._child.alive

    @property
    def fds(self) -> tuple[int, ...]:
        """What a process inherits that is to enter."""
        return tuple(self._namespaces.values())

    def entering(self) -> list[str]:
        """The words before a command that is to run in this network. Raises FileNotFoundError."""
        if (nsenter := shutil.which("nsenter")) is None:
            raise FileNotFoundError("nsenter (of util-linux)")
        words = [nsenter, *(f"--{kind}=/proc/self/fd/{fd}" for kind, fd in self._namespaces.items())]
        if "user" not in self._namespaces:
            return words
        # A change of user namespace takes away the tie to the lab.
        return [*words, "--preserve-credentials", *tied_to_parent()]

    def next_port(self) -> int:
        """One that no node of this network has."""
        return next(self._ports)

    def new_socket(self) -> socket.socket:
        """One of the node's network. Raises OSError."""
        with self._lock:
            self._door.send(b".")
            _, fds, _, _ = socket.recv_fds(self._door, 1, 1)
        if not fds:
            raise ConnectionRefusedError("the node is gone")
        return socket.socket(fileno=fds[0])

    def open(self, port: int, timeout_s: float) -> socket.socket:
        """A connection to a node. Raises OSError."""
        fresh = self.new_socket()
        try:
            fresh.settimeout(timeout_s)
            fresh.connect((LOOPBACK, port))
        except OSError:
            fresh.close()
            raise
        return fresh

    def close(self) -> None:
        """For good: whoever still is in the network is out of reach."""
        self._door.close()
        while self._namespaces:
            os.close(self._namespaces.popitem()[1])
        self._child.kill()
