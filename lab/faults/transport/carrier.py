"""Carries JSON-RPC calls to one chain's node through its faults: the gate's counterpart under the real clock.

Runs on the proxy's event loop, where it carries out what `exchange` asks for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
from pydantic_core import from_json

from lab.chains.chain import Chain
from lab.errors import LabError
from lab.faults.transport.bodies import Hold
from lab.faults.transport.exchange import Ask, Call, ConnectionReset, Hang, Pause, Reply, Step, Travel, exchange
from lab.faults.transport.policy import Planner
from lab.faults.transport.submits import Submits
from lab.rpc import RpcFailure, RpcMalformed, RpcRefused, RpcUnavailable
from lab.rpc.answers import parse_answer
from lab.rpc.transport import ANSWER_BYTES_MAX

# Long enough for any client to give up first.
HOLD_MS = 120_000
INTERNAL_ERROR = -32603
# Geth's own: what comes in a batch behind so many bytes of answers is refused.
BATCH_BYTES_MAX, TOO_LARGE = 25_000_000, -32003
# Numbers of requests that every node reads; the lab asks under its own where the client has another, or none.
ID_MAX = 2**53
OWN_ID = 1


@dataclass
class HttpCall(Call):
    """One JSON-RPC call as its client wrote it."""

    request: dict[str, Any] = field(default_factory=dict)

    @property
    def notification(self) -> bool:
        """Whether its client wants no answer."""
        return "id" not in self.request

    @property
    def id(self) -> Any:
        """What its client numbers it with."""
        return self.request.get("id")

    def answer(self, reply: Reply) -> bytes:
        """The answer's body."""
        if reply.body is not None:
            return reply.body
        failure = reply.failure
        if failure is None:
            return json.dumps({"jsonrpc": "2.0", "id": self.id, "result": reply.result}).encode()
        if isinstance(failure, RpcRefused):
            return error_answer(self.id, failure.code, failure.message, failure.data)
        return error_answer(self.id, INTERNAL_ERROR, str(failure))


class Carrier:
    """The way to one chain by one of its endpoints."""

    def __init__(
        self, chain: Chain, policy: Planner, submits: Submits, http: Mapping[str, aiohttp.ClientSession]
    ) -> None:
        """`http` has a session for each chain."""
        self._chain = chain
        self._policy = policy
        self._submits = submits
        self._scheduler = submits.scheduler
        self._http = http

    def take(self, request: dict[str, Any]) -> HttpCall:
        """A call that arrived: what the faults do to it is decided now."""
        call = HttpCall.arrived(request["method"], request.get("params", []), self._policy)
        call.request = request
        return call

    def note_refused(self, what: str, reason: str) -> None:
        """See `Submits.note_refused`."""
        self._submits.note_refused(what, reason)

    async def carry(self, calls: Sequence[HttpCall], hold: Hold) -> list[bytes]:
        """The answers. Raises what `exchange` does, and TooMuch. To be run on when the client has given up."""
        # The wall's time at the run's speed: the virtual clock stands while a request is on its way.
        loop = asyncio.get_running_loop()
        steps = exchange(calls, self._chain, self._submits, lambda: self._scheduler.of_wall(loop.time()))
        try:
            step = next(steps)
            while True:
                try:
                    reply = await self._do(step, hold)
                except RpcUnavailable as failure:
                    step = steps.throw(failure)
                else:
                    step = steps.send(reply)
        except StopIteration as end:
            replies = end.value
        return [call.plan.transformed(call.answer(reply)) for call, reply in zip(calls, replies, strict=True)]

    def record(self, calls: Sequence[Call], *, replied: bool) -> None:
        """The request is over for its client: record what was sent with it."""
        for call in calls:
            if call.sent is None:
                continue
            failure = call.failure
            if not replied and (failure is None or isinstance(failure, RpcRefused)):
                failure = RpcUnavailable(call.method, "no answer reached the relayer", sent=True)
            self._submits.record(call.sent, failure)

    async def _do(self, step: Step, hold: Hold) -> Reply | None:
        if isinstance(step, Ask):
            return await self._ask(step, hold)
        if isinstance(step, Hang):
            await asyncio.sleep(self._scheduler.on_wall(HOLD_MS))
            raise ConnectionReset(RpcUnavailable("any", "no answer", sent=True))
        if isinstance(step, Travel):
            await asyncio.sleep(self._scheduler.on_wall(step.delay_ms / 2))
        elif isinstance(step, Pause):
            await asyncio.sleep(self._scheduler.on_wall(step.ms))
        # The socket of a frozen node takes what reaches it, and the answer comes when the node goes on.
        return None

    async def _ask(self, step: Ask, hold: Hold) -> Reply:
        call = cast("HttpCall", step.call)
        if hold.taken > BATCH_BYTES_MAX:
            return Reply(failure=RpcRefused(call.method, TOO_LARGE, "response too large"))
        request = {**call.request, "method": step.method}
        if step.params is not None:
            request["params"] = step.params
        plain = _plain(call.request)
        if not plain:
            request["id"] = OWN_ID
        status, body = await self._exchanged(step, request, hold)
        if body is None:
            failure = RpcMalformed(call.method, f"the answer is longer than {ANSWER_BYTES_MAX} bytes")
            return Reply(failure=failure)
        shown = body if plain else _renumbered(body, call.id)
        if not step.read:
            return Reply(body=shown)
        try:
            # Clients number their calls as they like; an id is only compared.
            return Reply(parse_answer(call.method, cast("int", request.get("id")), status, body), body=shown)
        except RpcFailure as failure:
            return Reply(failure=failure, body=shown)

    async def _exchanged(self, step: Ask, request: dict[str, Any], hold: Hold) -> tuple[int, bytes | None]:
        """Status and body. Raises RpcUnavailable."""
        name, method = step.chain.name, step.call.method
        try:
            async with self._http[name].post(step.chain.node.url, json=request) as response:
                return response.status, await _read(response, hold)
        except (aiohttp.ClientConnectorError, LabError) as error:
            # A node between two lives has no address.
            raise RpcUnavailable(method, f"no connection to {name}: {error}", sent=False) from error
        except (aiohttp.ClientError, OSError) as error:
            raise RpcUnavailable(method, f"{name} broke off: {error!r}", sent=True) from error


def error_answer(request_id: Any, code: int, message: str, data: Any = None) -> bytes:
    """A JSON-RPC error answer."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "error": error}).encode()


def _plain(request: dict[str, Any]) -> bool:
    """Whether the node can read a request's id; what is asked without one is asked with one of the lab's own."""
    number = request.get("id", 0.5)
    return isinstance(number, str) or (isinstance(number, int) and 0 <= number <= ID_MAX)


def _renumbered(body: bytes, number: Any) -> bytes:
    try:
        answer = from_json(body)
    except ValueError:
        return body
    return json.dumps({**answer, "id": number}).encode() if isinstance(answer, dict) else body


async def _read(response: aiohttp.ClientResponse, hold: Hold) -> bytes | None:
    """The body; None for one that is too long to hold."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in response.content.iter_any():
            hold.take(len(part))
            parts.append(part)
            size += len(part)
            if size > ANSWER_BYTES_MAX:
                response.close()
                return None
        return b"".join(parts)
    finally:
        # An error holds on to this frame until its answer is out.
        parts.clear()
