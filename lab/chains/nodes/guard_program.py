"""The program that `guard` describes: a process in a network of its own, which lets the lab in.

It loads next to nothing: the parts of the library that take long are for nodes that listen.
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
HEAD_BYTES_MAX = 64 * 1024
HEAD_S = 10.0
CHUNK = 256 * 1024
# Extensions of a browser, such as wallets, are the user's own choice, and no page can take their name.
EXTENSIONS = ("chrome-extension://", "moz-extension://", "safari-web-extension://")
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_PARENT_DEATH_SIGNAL, _KILL = 1, 9


def isolate() -> list[str]:
    """Give this process a network of its own, with its loopback address up; the kinds of its new namespaces.

    Raises OSError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    kinds = ["net"]
    if libc.unshare(_NEW_NETWORK) != 0:
        kinds.append("user")
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
    return kinds


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


def _serve(listener: socket.socket, node_port: int) -> None:
    import threading

    port = listener.getsockname()[1]
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_admit, args=(client, port, node_port), daemon=True).start()


def _hand_out(lab: _socket.socket) -> None:
    """Give the lab a socket of this network for each byte that it sends."""
    while lab.recv(1):
        fresh = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        _pass(lab, b".", fresh.fileno())
        fresh.close()


def _pass(lab: _socket.socket, message: bytes, *fds: int) -> None:
    passed = b"".join(fd.to_bytes(4, sys.byteorder) for fd in fds)
    lab.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, passed)])


def _admit(client: socket.socket, port: int, node_port: int) -> None:
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
            with socket.create_connection((LOOPBACK, node_port)) as node:
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
    kinds = isolate()
    # A user namespace takes away the tie to the lab that this process was started with.
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, _KILL)
    lab = _socket.socket(fileno=int(arguments[0]))
    fds = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in kinds]
    _pass(lab, ",".join(kinds).encode(), *fds)
    for fd in fds:
        os.close(fd)
    if arguments[1:]:
        import socket
        import threading

        listener, node_port = map(int, arguments[1:])
        threading.Thread(target=_serve, args=(socket.socket(fileno=listener), node_port), daemon=True).start()
    _hand_out(lab)
    os._exit(0)


if __name__ == "__main__":
    _main(sys.argv[1:])
