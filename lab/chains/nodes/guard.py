"""Starts a node where nobody reaches it but through a guard, which lets no page of a browser pass.

Anvil answers whatever Host and Origin a request has, by HTTP and by WebSocket, and has no switch for either. So the
node runs in a network of its own (a Linux network namespace), and the guard, a process beside it, is the only way in.
It looks at the first request of each connection, and hands on bytes after that. A browser names its page in `Origin`
with every POST and every WebSocket, and a rebound host name in `Host`: neither gets through. The lab itself is handed
sockets of that network, and so reaches the node without the guard between.

Started as a plain file, isolated: `guard.py FDS ANVIL ARGUMENTS...` becomes the node, and listens for it where FDS are
two; `guard.py --probe` says by its exit code whether this machine lets it. Where it does not, as on macOS, nodes listen
on 127.0.0.1 without a guard.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Inside of its own network every port is free.
PORT = 8545
HEAD_BYTES_MAX = 64 * 1024
HEAD_S = 10.0
CHUNK = 256 * 1024
# Extensions of a browser, such as wallets, are the user's own choice, and no page can take their name.
EXTENSIONS = ("chrome-extension://", "moz-extension://", "safari-web-extension://")
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_PARENT_DEATH_SIGNAL = 1


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
    """This file as a program: neither the working folder nor installed packages have a say in it."""
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve())]


def isolate() -> None:
    """Give this process a network of its own, with its loopback address up. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) != 0:
        user, group = os.getuid(), os.getgid()
        if libc.unshare(_NEW_USER | _NEW_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(control, _GET_FLAGS, asked), 16)
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sH14x", b"lo", flags | _UP))


def problem_of(head: bytes, port: int) -> str | None:
    """Why a connection that begins with this head of a request is turned away; None for one that is let through."""
    first, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), []).append(value.strip())
    if not first.startswith("POST ") or "upgrade" in headers:
        return f"expected JSON-RPC over HTTP POST, got {first[:60]!r}: there is no WebSocket"
    hosts = (f"{LOOPBACK}:{port}", f"localhost:{port}")
    named = headers.get("host", [])
    # HTTP/1.0 names no host; no browser speaks it.
    if len(named) > 1 or (named and named[0].lower() not in hosts) or (not named and not first.endswith("HTTP/1.0")):
        return f"expected the Host {hosts[0]}"
    if any(not origin.startswith(EXTENSIONS) for origin in headers.get("origin", [])):
        return "expected no Origin: pages of a browser have no business here"
    return None


def _serve(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_admit, args=(client, port), daemon=True).start()


def _hand_out(lab: socket.socket) -> None:
    """Give the lab a socket of this network for each byte that it sends."""
    while lab.recv(1):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as fresh:
            socket.send_fds(lab, [b"."], [fresh.fileno()])


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


def _admit(client: socket.socket, port: int) -> None:
    with client:
        try:
            client.settimeout(HEAD_S)
            head = b""
            while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES_MAX:
                part = client.recv(CHUNK)
                if not part:
                    return
                head += part
            if (problem := problem_of(head.partition(b"\r\n\r\n")[0], port)) is not None:
                body = problem.encode()
                status = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain\r\n"
                client.sendall(status + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                return
            client.settimeout(None)
            with socket.create_connection((LOOPBACK, PORT)) as node:
                for side in (client, node):
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                node.sendall(head)
                back = threading.Thread(target=_hand_on, args=(node, client), daemon=True)
                back.start()
                _hand_on(client, node)
                back.join()
        except OSError:
            return


def _hand_on(source: socket.socket, sink: socket.socket) -> None:
    """Until the source ends. Then the sink hears of it."""
    try:
        while part := source.recv(CHUNK):
            sink.sendall(part)
    except OSError:
        pass
    for side, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        try:
            side.shutdown(how)
        except OSError:
            continue


def _main(arguments: list[str]) -> None:
    isolate()
    if arguments == ["--probe"]:
        return
    sockets = [socket.socket(fileno=int(number)) for number in arguments[0].split(",")]
    command = arguments[1:]
    node = os.getpid()
    # A user namespace takes away the tie to the lab that this process was started with.
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.fork() == 0:
        # Gone with the node, however that ends.
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() == node:
            for listener in sockets[1:]:
                threading.Thread(target=_serve, args=(listener,), daemon=True).start()
            _hand_out(sockets[0])
        os._exit(0)
    for inherited in sockets:
        inherited.close()
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    _main(sys.argv[1:])
