"""Carries JSON-RPC calls to one chain's node through its faults: the gate's counterpart under the real clock.

Runs on the proxy's event loop. A batch is one request on the wire: its longest delay counts, a lost reply loses all of
it, an HTTP status refuses all of it; JSON-RPC errors and pool rules act on each call.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from pydantic_core import from_json

from lab.chains.chain import Chain
from lab.errors import LabError
from lab.faults.policy import Effect, Policy
from lab.faults.pool_rules import Sent, decode_raw
from lab.faults.submits import SEND, Submits
from lab.rpc import RpcFailure, RpcMalformed, RpcRefused, RpcUnavailable
from lab.rpc.transport import ANSWER_BYTES_MAX, parse_answer

# Long enough for any client to give up first.
HOLD_S = 120.0
INTERNAL_ERROR = -32603


class NoReply(Exception):
    """The client gets no answer, only the end of its connection."""


class StatusReply(Exception):
    """The client gets an HTTP status with a text instead of a JSON-RPC answer."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text
        super().__init__(f"HTTP {status}: {text}")


@dataclass
class Call:
    """One JSON-RPC call on its way. `failure` is what became of it, None for an answer of the node's."""

    request: dict[str, Any]
    method: str
    plan: Effect
    sent: Sent | None
    failure: RpcFailure | None = None

    @property
    def raw(self) -> str:
        """The raw transaction of a send."""
        return str(self.request["params"][0])


class Carrier:
    """The way to one chain."""

    def __init__(self, chain: Chain, policy: Policy, submits: Submits, http: aiohttp.ClientSession) -> None:
        self._chain = chain
        self._policy = policy
        self._submits = submits
        self._http = http

    def take(self, request: dict[str, Any]) -> Call:
        """A call that arrived: what the faults do to it is decided now."""
        method, params = str(request["method"]), request.get("params")
        raw = params[0] if method == SEND and isinstance(params, list) and params else None
        return Call(request, method, self._policy.plan(method), decode_raw(raw) if isinstance(raw, str) else None)

    async def carry(self, calls: Sequence[Call]) -> list[bytes]:
        """The answers. Raises NoReply or StatusReply. To be run on when the client has given up: it is on its way."""
        delay_s = max(call.plan.delay_ms for call in calls) / 1000
        await asyncio.sleep(delay_s / 2)
        if any(call.plan.silence for call in calls):
            await asyncio.sleep(HOLD_S)
            raise NoReply
        if any(call.plan.reset == "before" for call in calls):
            raise NoReply
        status = next((refusal for call in calls if (refusal := call.plan.refusal) and refusal.http_status), None)
        answers = []
        if status is None:
            answers = [call.plan.twisted(await self._answer(call)) for call in calls]
        # A refusal travels back like any other answer: it may be late, or lost.
        if any(call.plan.lose_reply for call in calls):
            await asyncio.sleep(HOLD_S)
            raise NoReply
        await asyncio.sleep(delay_s / 2)
        if any(call.plan.reset == "after" for call in calls):
            raise NoReply
        if status is not None:
            for call in calls:
                call.failure = RpcRefused(call.method, status.http_status or status.code, status.message)
            raise StatusReply(status.http_status or status.code, status.message)
        return answers

    def record(self, calls: Sequence[Call], *, replied: bool) -> None:
        """The request is over for its client: record what was sent with it."""
        for call in calls:
            if call.sent is None:
                continue
            failure = call.failure
            if not replied and (failure is None or isinstance(failure, RpcRefused)):
                failure = RpcUnavailable(call.method, "no answer reached the relayer", sent=True)
            self._submits.record(call.sent, failure)

    async def _answer(self, call: Call) -> bytes:
        refusal = call.plan.refusal
        if refusal is not None:
            return self._refused(call, RpcRefused(call.method, refusal.code, refusal.message))
        chain = call.plan.route or self._chain
        if chain.condition == "down":
            chain.blocked_calls += 1
            call.failure = RpcUnavailable(call.method, f"connection refused: {chain.name}", sent=False)
            raise NoReply
        if chain.condition == "paused":
            # The socket of a frozen node takes it, and the answer comes when the node goes on.
            chain.blocked_calls += 1
        try:
            if call.plan.asks and isinstance(call.request.get("params", []), list):
                call.request = {**call.request, "params": call.plan.asked(call.request.get("params", []))}
            if call.sent is not None and call.plan.route is None:
                self._submits.admit(call.sent)
            body = await self._forward(call, chain)
            if call.plan.duplicate and call.failure is None:
                body = await self._forward(call, chain)
            return _told(call, body) if call.plan.rewrites else body
        except RpcRefused as refused:
            return self._refused(call, refused)

    async def _forward(self, call: Call, chain: Chain) -> bytes:
        try:
            async with self._http.post(chain.node.url, json=call.request) as response:
                body = await _read(response)
        except (aiohttp.ClientConnectorError, LabError) as error:
            # A node between two lives has no address.
            call.failure = RpcUnavailable(call.method, f"no connection to {chain.name}: {error}", sent=False)
            raise NoReply from error
        except (aiohttp.ClientError, OSError) as error:
            call.failure = RpcUnavailable(call.method, f"{chain.name} broke off: {error!r}", sent=True)
            raise NoReply from error
        if body is None:
            call.failure = RpcMalformed(call.method, f"the answer is longer than {ANSWER_BYTES_MAX} bytes")
            return error_answer(call.request.get("id"), INTERNAL_ERROR, str(call.failure))
        if call.method == SEND:
            self._sent(call, chain, response.status, body)
        return body

    def _sent(self, call: Call, chain: Chain, status: int, body: bytes) -> None:
        try:
            # Clients number their calls as they like; an id is only compared.
            tx_hash = parse_answer(call.method, cast("int", call.request.get("id")), status, body)
        except RpcFailure as failure:
            call.failure = failure
            return
        if call.sent is not None and call.plan.route is None:
            self._submits.taken(call.sent, call.raw)
        else:
            # Another chain's, or of a type that the lab does not decode; the next block may hold it all the same.
            chain.handed_over(str(tx_hash), call.raw)

    @staticmethod
    def _refused(call: Call, refused: RpcRefused) -> bytes:
        call.failure = refused
        return error_answer(call.request.get("id"), refused.code, refused.reason)


def error_answer(request_id: Any, code: int, message: str) -> bytes:
    """A JSON-RPC error answer."""
    answer = {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}
    return json.dumps(answer).encode()


def _told(call: Call, body: bytes) -> bytes:
    """The answer with another result; an answer without one stays as it is. Raises RpcRefused."""
    try:
        answer = from_json(body)
    except ValueError:
        return body
    if not isinstance(answer, dict) or "result" not in answer:
        return body
    return json.dumps({**answer, "result": call.plan.told(answer["result"])}).encode()


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """The body; None for one that is too long to hold."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            response.close()
            return None
    return b"".join(parts)
