"""Bodies of requests and answers under way, all bounded together: a guest may have any number of connections."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from lab.json_values import json_values

# Geth's own limit of a request.
BODY_BYTES_MAX = 5 * 1024 * 1024
# Of all, with so much for each value in them: what is made of them takes about four times as much.
HELD_BYTES_MAX, VALUE_BYTES = 16 * 1024 * 1024, 16
# Of all answers: one that is as long as a node's may be, and others beside it.
ANSWERS_BYTES_MAX = 36 * 1024 * 1024

Unpack = Callable[[bytes, int], bytes]


def _as_it_is() -> Unpack:
    return lambda part, _: part


_UNPACKED: Mapping[str, Callable[[], Unpack]] = {
    "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS + 16).decompress,
    "deflate": lambda: zlib.decompressobj().decompress,
}


class TooMuch(Exception):
    """There is no memory left for a request beside those that are under way."""


class Bodies:
    """What those under way take, in bytes."""

    def __init__(self) -> None:
        self.held_bytes = 0

    @asynccontextmanager
    async def reading(self, request: web.Request) -> AsyncIterator[bytes]:
        """The body of a request that is under way until the block ends. Raises TooMuch.

        And HTTPRequestEntityTooLarge, and zlib.error for one that is not packed as it says.
        """
        taken = 0

        def take(count: int) -> None:
            nonlocal taken
            if self.held_bytes + count > HELD_BYTES_MAX:
                raise TooMuch(f"expected requests under way of at most {HELD_BYTES_MAX} bytes together, got more")
            self.held_bytes += count
            taken += count

        parts: list[bytes] = []
        try:
            unpack = _UNPACKED.get(request.headers.get("Content-Encoding", "").lower(), _as_it_is)()
            async for packed in request.content.iter_any():
                # One byte too many shows that there is more.
                parts.append(unpack(packed, min(BODY_BYTES_MAX - taken, HELD_BYTES_MAX - self.held_bytes) + 1))
                take(len(parts[-1]))
                if taken > BODY_BYTES_MAX:
                    raise web.HTTPRequestEntityTooLarge(BODY_BYTES_MAX, taken)
            body = b"".join(parts)
            parts.clear()
            take(VALUE_BYTES * json_values(body))
            yield body
        finally:
            # An error holds on to this frame until its answer is out.
            parts.clear()
            self.held_bytes -= taken


class Answers:
    """What those take that nodes gave and clients have not taken, in bytes."""

    def __init__(self) -> None:
        self.held_bytes = 0

    def hold(self) -> Hold:
        """Of one request."""
        return Hold(self)


class Hold:
    """What the answers to one request take, until all that have to do with it have left."""

    def __init__(self, answers: Answers) -> None:
        self.taken = 0
        self._answers, self._users = answers, 1

    def take(self, count: int) -> None:
        """So many bytes more. Raises TooMuch."""
        if self._answers.held_bytes + count > ANSWERS_BYTES_MAX:
            raise TooMuch(f"expected answers under way of at most {ANSWERS_BYTES_MAX} bytes together, got more")
        self._answers.held_bytes += count
        self.taken += count

    def share(self) -> Callable[[object], None]:
        """Another that has to do with it; what it calls when it has not any more."""
        self._users += 1
        return lambda _: self.leave()

    def leave(self) -> None:
        """One has nothing to do with it any more."""
        self._users -= 1
        if not self._users:
            self._answers.held_bytes -= self.taken
