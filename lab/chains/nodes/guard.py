"""Starts a node where nobody reaches it but through a guard, which lets no page of a browser pass.

Anvil answers whatever Host and Origin a request has, by HTTP and by WebSocket, and has no switch for either. So the
node runs in a network of its own (a Linux network namespace), and the guard, a process beside it, is the only way in.
It looks at the first request of each connection, and hands on bytes after that. A browser names its page in `Origin`
with every POST and every WebSocket, and a rebound host name in `Host`: neither gets through. The lab itself is handed
sockets of that network, and so reaches the node without the guard between.

The guard is `guard_program.py`, started as a plain file, isolated: `FDS ANVIL ARGUMENTS...` becomes the node, and
listens for it where FDS are two; `--probe` says by its exit code whether this machine lets it. Where it does not, as on
macOS, nodes listen on 127.0.0.1 without a guard.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path

from lab.chains.nodes import guard_program
from lab.chains.nodes.guard_program import HEAD_S, LOOPBACK, PORT


@cache
def guarding_works() -> bool:
    """Whether this machine lets a process have a network of its own."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        probe = subprocess.run([*guard_command(), "--probe"], capture_output=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0


def guard_command() -> list[str]:
    """The guard as a program: neither the working folder nor installed packages have a say in it."""
    return [sys.executable, "-I", "-S", str(Path(guard_program.__file__).resolve())]


class Door:
    """The lab's own way to a guarded node. Safe for several threads."""

    def __init__(self) -> None:
        self._lab, self.guards = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lab.settimeout(HEAD_S)
        self._lock = threading.Lock()

    def new_socket(self) -> socket.socket:
        """One of the node's network. Raises OSError."""
        with self._lock:
            self._lab.send(b".")
            _, fds, _, _ = socket.recv_fds(self._lab, 1, 1)
        if not fds:
            raise ConnectionRefusedError("the node is gone")
        return socket.socket(fileno=fds[0])

    def open(self, timeout_s: float) -> socket.socket:
        """A connection to the node. Raises OSError."""
        fresh = self.new_socket()
        try:
            fresh.settimeout(timeout_s)
            fresh.connect((LOOPBACK, PORT))
        except OSError:
            fresh.close()
            raise
        return fresh

    def close(self) -> None:
        """For good."""
        self._lab.close()
        self.guards.close()
