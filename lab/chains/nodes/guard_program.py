"""The program that `guard` describes: it becomes a node, and leaves a process beside it that lets the lab in.

Every node starts one, so it loads next to nothing: the parts of the library that take long are for nodes that listen.
"""

from __future__ import annotations

import _socket
import ctypes
import fcntl
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

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
_PARENT_DEATH_SIGNAL, _KILL = 1, 9


def isolate() -> None:
    """Give this process a network of its own, with its loopback address up. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) != 0:
        user, group = os.getuid(), os.getgid()
        if libc.unshare(_NEW_USER | _NEW_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123
                file.write(text)
    control = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    # The kernel's `struct ifreq`: a name of 16 bytes, flags of two, room for what others ask.
    device, rest = b"lo".ljust(16, b"\0"), bytes(14)
    flags = int.from_bytes(fcntl.ioctl(control, _GET_FLAGS, device + bytes(2) + rest)[16:18], sys.byteorder)
    fcntl.ioctl(control, _SET_FLAGS, device + (flags | _UP).to_bytes(2, sys.byteorder) + rest)
    control.close()


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


def _listen(listeners: list[int]) -> None:
    """Serve each in a thread of its own."""
    import socket
    import threading

    for number in listeners:
        threading.Thread(target=_serve, args=(socket.socket(fileno=number),), daemon=True).start()


def _serve(listener: socket.socket) -> None:
    import threading

    port = listener.getsockname()[1]
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_admit, args=(client, port), daemon=True).start()


def _hand_out(lab: _socket.socket) -> None:
    """Give the lab a socket of this network for each byte that it sends."""
    while lab.recv(1):
        fresh = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        passed = fresh.fileno().to_bytes(4, sys.byteorder)
        lab.sendmsg([b"."], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, passed)])
        fresh.close()


def _admit(client: socket.socket, port: int) -> None:
    import socket
    import threading

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
    for side, how in ((sink, _socket.SHUT_WR), (source, _socket.SHUT_RD)):
        try:
            side.shutdown(how)
        except OSError:
            continue


def _main(arguments: list[str]) -> None:
    isolate()
    if arguments == ["--probe"]:
        return
    lab, *listeners = map(int, arguments[0].split(","))
    command = arguments[1:]
    node = os.getpid()
    # A user namespace takes away the tie to the lab that this process was started with.
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, _KILL)
    if os.fork() == 0:
        # Gone with the node, however that ends.
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, _KILL)
        if os.getppid() == node:
            if listeners:
                _listen(listeners)
            _hand_out(_socket.socket(fileno=lab))
        os._exit(0)
    for inherited in (lab, *listeners):
        os.close(inherited)
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    _main(sys.argv[1:])
