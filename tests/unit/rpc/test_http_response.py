"""Whatever form a response has, it is read as the standard library reads it."""

from __future__ import annotations

import http.client
import socket

import pytest

from lab.rpc.http_response import read_response

BODY_BYTES_MAX = 1000
OK = b"HTTP/1.1 200 OK\r\n"
# Its length is that of its chunks.
CHUNKED = b"Transfer-Encoding: chunked\r\nContent-Length: 12\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
RESPONSES = {
    "usual": OK + b"content-type: application/json\r\nContent-Length: 2\r\ndate: now\r\n\r\n{}",
    "a node's": OK
    + b"content-type: application/json\r\ncontent-length: 2\r\ndate: Fri, 27 Nov 2026 00:58:30 GMT\r\n\r\n{}",
    "a node's, in its own time": OK
    + b"content-type: application/json\r\ncontent-length: 200000\r\ndate: Fri\r\n\r\n"
    + b"x" * 200_000,
    "in its own time": OK + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000,
    "too much": OK + b"Content-Length: 2000\r\n\r\n" + b"x" * 2000,
    "more than it says": OK + b"Content-Length: 2\r\n\r\n{}{}",
    "less than it says": OK + b"Content-Length: 9\r\n\r\n{}",
    "the last": OK + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}",
    "to the end": OK + b"Connection: close\r\n\r\n{}",
    "no length": OK + b"\r\n{}",
    "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunks and a length": OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 1\r\n\r\n{}",
    "a folded header": OK + b"X: a\r\n Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "a negative length": OK + b"Content-Length: -1\r\n\r\n{}",
    "another status": b"HTTP/1.1 503 Unavailable\r\nContent-Length: 2\r\n\r\n{}",
    "an older version": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "a length after a space": OK + b"Content-Length : 2\r\n\r\n{}",
    "chunks after a space": OK + b"Transfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}",
    "chunks after a line feed": OK + b"X: a\n" + CHUNKED,
    "chunks after a carriage return": OK + b"X: a\r" + CHUNKED,
    "chunks in the line of the status": OK.replace(b"\r", b"") + CHUNKED,
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
}


def sent(response: bytes) -> socket.socket:
    """A connection on which this came, and then its end."""
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    theirs.sendall(response)
    theirs.close()
    return ours


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_as_the_library_reads_it(response: bytes) -> None:
    """Status and body; and where the library says that it is the last one, so does this."""
    limit = 300_000 if len(response) > 100_000 else BODY_BYTES_MAX
    with sent(response) as connection:
        expected = http.client.HTTPResponse(connection, method="POST")
        expected.begin()
        whole = expected.read(limit + 1)
        last = expected.will_close
    with sent(response) as connection:
        read = read_response(connection, limit)
    assert (read.status, read.body) == (expected.status, whole)
    assert read.last or not last


@pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\nab"])
def test_a_response_that_cannot_be_read_is_closed(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since Python 3.14 one that is left open may end with a message on stderr."""
    made: list[http.client.HTTPResponse] = []

    class Recorded(http.client.HTTPResponse):
        def begin(self) -> None:
            made.append(self)
            super().begin()

    monkeypatch.setattr("http.client.HTTPResponse", Recorded)
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    with sent(chunked + body) as connection, pytest.raises(http.client.IncompleteRead):
        read_response(connection, BODY_BYTES_MAX)
    assert [response.isclosed() for response in made] == [True]
