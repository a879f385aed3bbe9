"""The relayer's way to all chains under the real clock: an HTTP proxy in front of the nodes, with the faults in it.

It runs in a thread of its own, so that requests are answered while the run sleeps or mines. It listens on the loopback
address only, and takes nothing from web pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import zlib
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

import aiohttp
from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import BadHttpMessage
from pydantic_core import from_json

from lab.chains.chain import Chain
from lab.chains.loopback import is_from_page
from lab.errors import EnvironmentFailure, NodeFailure
from lab.faults.transport.bodies import Answers, Bodies, Hold, TooMuch
from lab.faults.transport.carrier import Carrier, HttpCall, error_answer
from lab.faults.transport.exchange import ConnectionReset, StatusAnswer
from lab.faults.transport.policy import Policy
from lab.faults.transport.replying import batched, break_off, handed_over, json_reply
from lab.faults.transport.submits import Submits

HOST = "127.0.0.1"
START_S = STOP_S = 10.0
CONNECT_S = 5.0
# Geth's own.
BATCH_MAX = 1000
TURNED_AWAY_MAX = 5
PARSE_ERROR, INVALID_REQUEST = -32700, -32600

# A guest's broken request is answered; a trace of the library's parser says nothing to anybody.
_SILENT = logging.Logger("fault-proxy", logging.CRITICAL + 1)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultProxy:
    """One port for all chains of a run, one path for each endpoint: `/ethereum`, and `/ethereum/2` if it has two.

    `failure` is an error of the proxy's own, if it had one.
    """

    def __init__(
        self,
        chains: Mapping[str, Chain],
        policies: Mapping[str, Policy],
        submits: Mapping[str, Submits],
        endpoints: Mapping[str, int] | None = None,
    ) -> None:
        """`endpoints` says how many a chain has; not named: one."""
        self.failure: BaseException | None = None
        self._chains, self._policies, self._submits = chains, policies, submits
        self._endpoints = endpoints or {}
        self._carriers: dict[str, Carrier] = {}
        self._under_way: set[asyncio.Task[list[bytes]]] = set()
        self._started: Future[int] = Future()
        self._port = 0
        self._asked: set[str] = set()
        self._bodies, self._answers = Bodies(), Answers()
        self.requests = 0
        # By chain: the calls that came, and those of them that were answered that there are too many.
        self.counts = dict.fromkeys(chains, (0, 0))
        # The last requests that reached no chain, and why: for the message about a relayer that never polled.
        self.turned_away: dict[str, None] = {}
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)

    def start(self) -> None:
        """Listen. Raises EnvironmentFailure."""
        self._thread.start()
        try:
            self._port = self._started.result(START_S)
        except (OSError, TimeoutError) as error:
            raise EnvironmentFailure(f"the fault proxy cannot listen on {HOST}: {error!r}") from error

    def url(self, chain: str, endpoint: int = 1) -> str:
        """Where the relayer finds a chain."""
        return f"http://{HOST}:{self._port}/{self._paths(chain)[endpoint - 1]}"

    def _paths(self, chain: str) -> list[str]:
        return [chain, *(f"{chain}/{endpoint}" for endpoint in range(2, self._endpoints.get(chain, 1) + 1))]

    def never_asked(self) -> list[str]:
        """The chains that no JSON-RPC request has come for yet."""
        return [name for name in self._chains if self._asked.isdisjoint(self._paths(name))]

    def asked(self) -> list[str]:
        """The chains that a JSON-RPC request has come for."""
        return [name for name in self._chains if not self._asked.isdisjoint(self._paths(name))]

    def asked_at_one_endpoint(self) -> list[str]:
        """The chains with several endpoints of which one alone was ever asked."""
        several = [name for name in self._chains if self._endpoints.get(name, 1) > 1]
        return [name for name in several if len(self._asked.intersection(self._paths(name))) == 1]

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
        async with contextlib.AsyncExitStack() as stack:
            http: dict[str, aiohttp.ClientSession] = {}
            for name, chain in self._chains.items():
                connector = aiohttp.TCPConnector(limit=0, socket_factory=partial(_socket_to, chain))
                http[name] = await stack.enter_async_context(
                    aiohttp.ClientSession(connector=connector, timeout=timeout)
                )
                for endpoint, path in enumerate(self._paths(name), 1):
                    planner = self._policies[name].at(endpoint)
                    self._carriers[path] = Carrier(chain, planner, self._submits[name], http)
            app = web.Application(middlewares=[self._guard])
            app.router.add_route("*", "/{path:.*}", self._handle)
            # A client that gives up cancels its handler, which is how its sends are known to have no answer.
            runner = web.AppRunner(
                app,
                access_log=None,
                logger=_SILENT,
                # `Bodies` unpacks, up to a bound.
                auto_decompress=False,
                handler_cancellation=True,
                shutdown_timeout=0.1,
            )
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
        """Pages of a browser do not get through. HTTP/1.0 names no host; no browser speaks it."""
        host = request.headers.get("Host", None if request.version < HttpVersion11 else "")
        if is_from_page(host, request.headers.get("Origin"), self._port):
            raise self._turned_away(request, web.HTTPForbidden, f"expected the Host {HOST}:{self._port} and no Origin")
        return await handler(request)

    def _turned_away(
        self, request: web.Request, error: Callable[..., web.HTTPException], text: str
    ) -> web.HTTPException:
        """An HTTP error, noted for whoever wonders why a relayer never came through."""
        self.turned_away[f"{request.method} {request.path[:80]}: {text}"] = None
        while len(self.turned_away) > TURNED_AWAY_MAX:
            del self.turned_away[next(iter(self.turned_away))]
        return error(text=text)

    def _carrier(self, request: web.Request) -> tuple[str, Carrier]:
        """The path that a request means, whatever the slashes around it and its case, and the way from there."""
        name = request.match_info["path"].strip("/").lower()
        path = {known.lower(): known for known in self._carriers}.get(name)
        if path is None:
            known = ", ".join(f"/{name}" for name in self._carriers)
            raise self._turned_away(request, web.HTTPNotFound, f"expected one of the paths {known}")
        carrier = self._carriers[path]
        if request.headers.get("Upgrade", "").lower() == "websocket":
            text = "websockets are not supported by the lab: send JSON-RPC over HTTP POST, and poll"
            carrier.note_refused("websocket", text)
            raise self._turned_away(request, _not_allowed, text)
        if request.method != "POST":
            raise self._turned_away(request, _not_allowed, f"expected JSON-RPC over HTTP POST, got {request.method}")
        return path, carrier

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path, carrier = self._carrier(request)
        try:
            hold = self._answers.hold()
            try:
                async with self._bodies.reading(request) as body:
                    reply = await self._answered(request, path, carrier, body, hold)
                return await handed_over(request, reply) if hold.taken else reply
            finally:
                hold.leave()
        except TooMuch as error:
            raise self._turned_away(request, web.HTTPServiceUnavailable, str(error)) from None
        except (web.RequestPayloadError, BadHttpMessage, zlib.error) as error:
            raise self._turned_away(request, web.HTTPBadRequest, f"expected a readable body: {error}") from error

    async def _answered(
        self, request: web.Request, path: str, carrier: Carrier, body: bytes, hold: Hold
    ) -> web.Response:
        try:
            # Not json.loads: web3's dependencies raise Python's recursion limit, deep nesting then ends the process.
            asked = from_json(body)
        except ValueError:
            return json_reply(error_answer(None, PARSE_ERROR, "parse error"))
        if (problem := _problem(asked)) is not None:
            return json_reply(error_answer(None, INVALID_REQUEST, problem))
        self._asked.add(path)
        self.requests += 1
        chain = path.partition("/")[0]
        try:
            calls = [carrier.take(call) for call in (asked if isinstance(asked, list) else [asked])]
            self._count(chain, calls)
            answers = await self._carried(carrier, calls, hold)
        except StatusAnswer as reply:
            return web.Response(status=reply.status, text=reply.text)
        except ConnectionReset:
            return break_off(request)
        except TooMuch:
            raise
        except Exception as error:
            self.failure = error
            raise
        # What carries no id is a notification: it is done, and nothing is said of it.
        replies = [answer for call, answer in zip(calls, answers, strict=True) if not call.notification]
        answers.clear()
        return json_reply(batched(replies) if replies and isinstance(asked, list) else b"".join(replies))

    def _count(self, chain: str, calls: list[HttpCall]) -> None:
        before, limited = self.counts[chain]
        self.counts[chain] = (before + len(calls), limited + sum(call.limited for call in calls))

    async def _carried(self, carrier: Carrier, calls: list[HttpCall], hold: Hold) -> list[bytes]:
        """Carry the calls, and record what was sent when it is over for the client, whichever way."""
        task = asyncio.get_running_loop().create_task(carrier.carry(calls, hold))
        task.add_done_callback(hold.share())
        self._under_way.add(task)
        task.add_done_callback(self._arrived)
        replied = False
        try:
            answers = await asyncio.shield(task)
            replied = True
        except StatusAnswer:
            replied = True
            raise
        finally:
            carrier.record(calls, replied=replied)
        return answers

    def _arrived(self, task: asyncio.Task[list[bytes]]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, (ConnectionReset, StatusAnswer, TooMuch)):
            self.failure = error


def _socket_to(chain: Chain, address: object) -> socket.socket:
    """For the client's connections: a node may be in a network of its own."""
    try:
        return chain.node.new_socket()
    except OSError as error:
        raise NodeFailure(f"{chain.name}: {error}") from error


def _problem(asked: Any) -> str | None:
    """What is wrong with a request, None for nothing."""
    calls = asked if isinstance(asked, list) else [asked]
    if not calls or len(calls) > BATCH_MAX:
        return f"expected 1 to {BATCH_MAX} calls, got {len(calls)}"
    if not all(isinstance(call, dict) and isinstance(call.get("method"), str) for call in calls):
        return "expected objects with a method"
    if any(isinstance(call.get("id"), (bool, dict, list)) for call in calls):
        return "expected ids that are texts, numbers or null"
    return None


def _not_allowed(*, text: str) -> web.HTTPException:
    return web.HTTPMethodNotAllowed("", ["POST"], text=text)
