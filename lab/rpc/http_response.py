"""Reads one HTTP response from a connection: in the form that nodes use directly, in every other by `http.client`.

The library's own parser takes most of the time of a call, since it reads headers as it would those of a mail.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
from typing import Any, NamedTuple

_CHUNK = 64 * 1024
# Most answers of a node are shorter.
_FIRST = 8 * 1024
_HEAD_END = b"\r\n\r\n"
# A node's every answer, to the letter: it need not be taken apart.
_USUAL = re.compile(
    rb"HTTP/1\.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ([0-9]{1,18})\r\ndate: [A-Za-z0-9 ,:]+"
)
# What decides how a body ends, beside its length.
_UNUSUAL = (b"connection", b"transfer-encoding")


class _Resumed(io.RawIOBase):
    """A connection of which a part was read: that part comes first."""

    def __init__(self, received: bytes, connection: socket.socket) -> None:
        self._received, self._connection = received, connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._received:
            return self._connection.recv_into(buffer)
        count = min(len(buffer), len(self._received))
        buffer[:count], self._received = self._received[:count], self._received[count:]
        return count

    def makefile(self, mode: str) -> io.BufferedReader:
        """As `http.client` asks a socket for it."""
        return io.BufferedReader(self)


class Response(NamedTuple):
    """Status, body, whether it is the last on its connection, and what came after it."""

    status: int
    body: bytes
    last: bool
    rest: bytes = b""


def read_response(
    connection: socket.socket, body_bytes_max: int, received: bytes = b"", *, more: bool = False
) -> Response:
    """The next response. `received` was read before; with `more` others are to follow it, and may have come already.

    Of a body above `body_bytes_max` one byte more than that is returned. Raises OSError, HTTPException.
    """
    while _HEAD_END not in received:
        buffer = bytearray(_FIRST)
        count = connection.recv_into(buffer)
        received += memoryview(buffer)[:count]
        if not (more and count) or len(received) > _CHUNK:
            break
    head, end, body = received.partition(_HEAD_END)
    length = _body_length(head) if end else None
    if length is None or not (more or len(body) <= length) or length > body_bytes_max:
        with http.client.HTTPResponse(_Resumed(received, connection), method="POST") as response:  # type: ignore[arg-type]
            response.begin()
            # The library may have read on into the response after this one.
            return Response(response.status, response.read(body_bytes_max + 1), response.will_close or more)
    parts, missing = [body[:length]], length - len(body)
    buffer = bytearray(min(max(missing, 0), _CHUNK))
    while missing > 0:
        count = connection.recv_into(buffer, min(missing, _CHUNK))
        if not count:
            break
        parts.append(bytes(memoryview(buffer)[:count]))
        missing -= count
    return Response(http.client.OK, b"".join(parts), missing > 0, body[length:])


def _body_length(head: bytes) -> int | None:
    """Of an answer that is in order, has a length and keeps the connection; None for any other."""
    if usual := _USUAL.fullmatch(head):
        return int(usual[1])
    status, *lines = head.split(b"\r\n")
    # Half an end of a line, such as a line feed alone, begins another field for some.
    if not status.startswith(b"HTTP/1.1 200 ") or head.splitlines() != [status, *lines]:
        return None
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        name = name.lower()
        if not colon or name in fields or name in _UNUSUAL or not name.replace(b"-", b"").isalnum():
            return None
        fields[name] = value.strip()
    length = fields.get(b"content-length", b"")
    return int(length) if length.isdigit() and len(length) < 19 else None
