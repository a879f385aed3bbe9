"""Sockets whose reads share one deadline."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any


class DeadlineSocket(socket.socket):
    """A socket whose reads share one deadline: a time-out per read never ends an answer that trickles in."""

    deadline = 0.0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As usual, in what is left of the time."""
        self.settimeout(_left_s(self.deadline))
        return super().recv_into(*args, **kwargs)


class DeadlineTlsSocket(ssl.SSLSocket):
    """The same over TLS."""

    deadline = 0.0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As usual, in what is left of the time."""
        self.settimeout(_left_s(self.deadline))
        return super().recv_into(*args, **kwargs)


def _left_s(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
