"""How the proxy's answers get to their clients: as JSON, in pieces, or not at all."""

from __future__ import annotations

import contextlib
import socket
import struct

from aiohttp import web

PIECE_BYTES = 256 * 1024


def batched(replies: list[bytes]) -> bytearray:
    """The answer to a batch, which takes the replies out of their list: held twice, long ones would be much."""
    replies.reverse()
    body = bytearray(b"[")
    while replies:
        body += replies.pop()
        body += b"," if replies else b"]"
    return body


def json_reply(body: bytes | bytearray) -> web.Response:
    """An answer's body as it is."""
    return web.Response(body=body, content_type="application/json")


async def handed_over(request: web.Request, reply: web.Response) -> web.StreamResponse:
    """The reply, once its client has taken it: what is only given to the server waits in memory for that.

    A long one goes in pieces, since the server copies what it sends.
    """
    body = reply.body
    with contextlib.suppress(ConnectionResetError):
        if not isinstance(body, bytes | bytearray) or len(body) <= PIECE_BYTES:
            await reply.prepare(request)
            await reply.write_eof()
            return reply
        stream = web.StreamResponse(status=reply.status)
        stream.content_type, stream.content_length = reply.content_type, len(body)
        await stream.prepare(request)
        for begin in range(0, len(body), PIECE_BYTES):
            await stream.write(memoryview(body)[begin : begin + PIECE_BYTES])
        await stream.write_eof()
        return stream
    return reply


def break_off(request: web.Request) -> web.Response:
    """Reset the connection, as the kernel does for a process that has died; a reply that nobody gets."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
