"""The relayer's way to all chains under the real clock: an HTTP proxy in front of the nodes, with the faults in it.

It runs in a thread of its own, so that requests are answered while the run sleeps or mines. It listens on the loopback
address only, and takes nothing from web pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any

import aiohttp
from aiohttp import web
from pydantic_core import from_json

from lab.chains.chain import Chain
from lab.errors import EnvironmentFailure
from lab.faults.carrier import Call, Carrier, NoReply, StatusReply, error_answer
from lab.faults.policy import Policy
from lab.faults.submits import Submits

HOST = "127.0.0.1"
START_S = STOP_S = 10.0
CONNECT_S = 5.0
# Geth's own limits of a request.
BODY_BYTES_MAX = 5 * 1024 * 1024
BATCH_MAX = 1000
PARSE_ERROR, INVALID_REQUEST = -32700, -32600

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultProxy:
    """One port for all chains of a run, one path for each. `failure` is an error of the proxy's own, if it had one."""

    def __init__(
        self, chains: Mapping[str, Chain], policies: Mapping[str, Policy], submits: Mapping[str, Submits]
    ) -> None:
        self.failure: BaseException | None = None
        self._chains, self._policies, self._submits = chains, policies, submits
        self._carriers: dict[str, Carrier] = {}
        self._under_way: set[asyncio.Task[list[bytes]]] = set()
        self._started: Future[int] = Future()
        self._port = 0
        self._asked: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)

    def start(self) -> None:
        """Listen. Raises EnvironmentFailure."""
        self._thread.start()
        try:
            self._port = self._started.result(START_S)
        except (OSError, TimeoutError) as error:
            raise EnvironmentFailure(f"the fault proxy cannot listen on {HOST}: {error!r}") from error

    def url(self, chain: str) -> str:
        """Where the relayer finds a chain."""
        return f"http://{HOST}:{self._port}/{chain}"

    def never_asked(self) -> list[str]:
        """The chains that no JSON-RPC request has come for yet."""
        return [name for name in self._chains if name not in self._asked]

    def close(self) -> None:
        """Drop all connections and end the thread; what was under way is recorded. May be called twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(STOP_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self.failure = error
            if not self._started.done():
                self._started.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_S)
        # No limit of connections: requests that hang in a frozen node must not hold up others.
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as http:
            for name, chain in self._chains.items():
                self._carriers[name] = Carrier(chain, self._policies[name], self._submits[name], http)
            app = web.Application(middlewares=[self._guard], client_max_size=BODY_BYTES_MAX)
            app.router.add_post("/{chain}", self._handle)
            # A client that gives up cancels its handler, which is how its sends are known to have no answer.
            runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, HOST, 0).start()
            self._started.set_result(runner.addresses[0][1])
            await self._stop.wait()
            await runner.cleanup()
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A browser names its page in Origin, and a rebound host name in Host: neither gets through."""
        if request.headers.get("Host") != f"{HOST}:{self._port}" or "Origin" in request.headers:
            raise web.HTTPForbidden(text=f"expected the Host {HOST}:{self._port} and no Origin")
        return await handler(request)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        carrier = self._carriers.get(request.match_info["chain"])
        if carrier is None:
            raise web.HTTPNotFound(text=f"expected one of the paths {', '.join(f'/{name}' for name in self._carriers)}")
        try:
            # Not json.loads: web3's dependencies raise Python's recursion limit, deep nesting then ends the process.
            asked = from_json(await request.read())
        except ValueError:
            return _json(error_answer(None, PARSE_ERROR, "parse error"))
        if (problem := _problem(asked)) is not None:
            return _json(error_answer(None, INVALID_REQUEST, problem))
        self._asked.add(request.match_info["chain"])
        try:
            calls = [carrier.take(each) for each in (asked if isinstance(asked, list) else [asked])]
            answers = await self._carried(carrier, calls)
        except StatusReply as reply:
            return web.Response(status=reply.status, text=reply.text)
        except NoReply:
            _break_off(request)
            return web.Response()
        except Exception as error:
            self.failure = error
            raise
        if not isinstance(asked, list):
            return _json(answers[0])
        return _json(b"[" + b",".join(answers) + b"]")

    async def _carried(self, carrier: Carrier, calls: list[Call]) -> list[bytes]:
        """Carry the calls, and record what was sent when it is over for the client, whichever way."""
        task = asyncio.get_running_loop().create_task(carrier.carry(calls))
        self._under_way.add(task)
        task.add_done_callback(self._arrived)
        replied = False
        try:
            answers = await asyncio.shield(task)
            replied = True
        except StatusReply:
            replied = True
            raise
        finally:
            carrier.record(calls, replied=replied)
        return answers

    def _arrived(self, task: asyncio.Task[list[bytes]]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, (NoReply, StatusReply)):
            self.failure = error


def _problem(asked: Any) -> str | None:
    """What is wrong with a request, None for nothing."""
    calls = asked if isinstance(asked, list) else [asked]
    if not calls or len(calls) > BATCH_MAX:
        return f"expected 1 to {BATCH_MAX} calls, got {len(calls)}"
    if not all(isinstance(call, dict) and isinstance(call.get("method"), str) for call in calls):
        return "expected objects with a method"
    return None


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def _break_off(request: web.Request) -> None:
    """Reset the connection, as the kernel does for a process that has died."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
