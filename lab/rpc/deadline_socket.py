"""Sockets whose reads share one deadline."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

# To set a time-out is a call to the system: one that is so little too long is left.
SLACK_S = 0.05


class DeadlineSocket(socket.socket):
    """A socket whose reads share one deadline: a time-out per read never ends an answer that trickles in."""

    deadline = 0.0

    def limit(self, timeout_s: float) -> None:
        """Give what is sent and read from now on so many seconds, all in all."""
        _limit(self, timeout_s)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As usual, in what is left of the time."""
        _bound(self, self.deadline)
        return super().recv_into(*args, **kwargs)


class DeadlineTlsSocket(ssl.SSLSocket):
    """The same over TLS."""

    deadline = 0.0

    def limit(self, timeout_s: float) -> None:
        """See `DeadlineSocket.limit`."""
        _limit(self, timeout_s)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As usual, in what is left of the time."""
        _bound(self, self.deadline)
        return super().recv_into(*args, **kwargs)


def _limit(connection: DeadlineSocket | DeadlineTlsSocket, timeout_s: float) -> None:
    connection.deadline = time.monotonic() + timeout_s
    if connection.gettimeout() != timeout_s:
        connection.settimeout(timeout_s)


def _bound(connection: socket.socket, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    timeout = connection.gettimeout()
    if timeout is None or not left <= timeout <= left + SLACK_S:
        connection.settimeout(left)
