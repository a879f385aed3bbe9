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
from lab.faults.transport.methods import SEND, SEND_SYNC, SENDS
from lab.faults.transport.policy import Effect, Policy
from lab.faults.transport.raw_transaction import Sent, decode_raw
from lab.faults.transport.submits import Submits
from lab.faults.transport.sync_send import LOOK_S, not_mined, sync_wait_s
from lab.rpc import RpcFailure, RpcMalformed, RpcRefused, RpcUnavailable
from lab.rpc.transport import ANSWER_BYTES_MAX, parse_answer

# Long enough for any client to give up first.
HOLD_S = 120.0
INTERNAL_ERROR = -32603
# Numbers of requests that every node reads; the lab asks under its own where the client has another, or none.
ID_MAX = 2**53
OWN_ID = 1


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
    status: int = 200

    @property
    def notification(self) -> bool:
        """Whether its client wants no answer."""
        return "id" not in self.request

    @property
    def id(self) -> Any:
        """What its client numbers it with."""
        return self.request.get("id")

    @property
    def params(self) -> list[Any]:
        """Its parameters by position; nothing the lab reads has names for them."""
        params = self.request.get("params")
        return params if isinstance(params, list) else []

    @property
    def raw(self) -> str:
        """The raw transaction of a send."""
        return str(self.params[0])


class Carrier:
    """The way to one chain."""

    def __init__(self, chain: Chain, policy: Policy, submits: Submits, http: aiohttp.ClientSession) -> None:
        self._chain = chain
        self._policy = policy
        self._submits = submits
        self._http = http

    def take(self, request: dict[str, Any]) -> Call:
        """A call that arrived: what the faults do to it is decided now."""
        call = Call(request, request["method"], self._policy.plan(request["method"]), None)
        if call.method in SENDS and call.params:
            call.sent = decode_raw(call.params[0])
        return call

    def note_refused(self, what: str, reason: str) -> None:
        """See `Submits.note_refused`."""
        self._submits.note_refused(what, reason)

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
            self._submits.permit(call.method)
            if call.plan.asks and isinstance(call.request.get("params", []), list):
                call.request = {**call.request, "params": call.plan.asked(call.params)}
            body = await (self._send(call, chain) if call.method in SENDS else self._forward(call, chain, call.request))
            return _told(call, body) if call.plan.rewrites else body
        except RpcRefused as refused:
            return self._refused(call, refused)

    async def _send(self, call: Call, chain: Chain) -> bytes:
        """Hand over a raw transaction; one who wants to hear of its block is told of it by the lab, not by the node."""
        if call.sent is None:
            raise self._submits.unreadable(call.method, call.params[0] if call.params else None)
        wait_s = sync_wait_s(call.params) if call.method == SEND_SYNC else 0.0
        if call.plan.route is None:
            self._submits.admit(call.sent)
        request = {**call.request, "method": SEND, "params": [call.raw]}
        for _ in range(2 if call.plan.duplicate else 1):
            body = await self._forward(call, chain, request)
            if call.failure is None:
                self._sent(call, chain, body)
            if call.failure is not None:
                return body
        return await self._mined(call, chain, call.sent, wait_s) if wait_s else body

    async def _mined(self, call: Call, chain: Chain, sent: Sent, wait_s: float) -> bytes:
        """The receipt of what the node took. Raises RpcRefused when its time is over."""
        request = {**call.request, "method": "eth_getTransactionReceipt", "params": [sent.hash]}
        ends = asyncio.get_running_loop().time() + wait_s
        while True:
            try:
                body = await self._forward(call, chain, request)
            except NoReply:
                call.failure = RpcUnavailable(call.method, f"{chain.name} broke off", sent=True)
                raise
            if call.failure is not None or _result(body) is not None:
                return body
            if asyncio.get_running_loop().time() >= ends:
                raise not_mined(sent, wait_s)
            await asyncio.sleep(LOOK_S)

    async def _forward(self, call: Call, chain: Chain, request: dict[str, Any]) -> bytes:
        plain = _plain(call.request)
        try:
            async with self._http.post(
                chain.node.url, json=request if plain else {**request, "id": OWN_ID}
            ) as response:
                body = await _read(response)
        except (aiohttp.ClientConnectorError, LabError) as error:
            # A node between two lives has no address.
            call.failure = RpcUnavailable(call.method, f"no connection to {chain.name}: {error}", sent=False)
            raise NoReply from error
        except (aiohttp.ClientError, OSError) as error:
            call.failure = RpcUnavailable(call.method, f"{chain.name} broke off: {error!r}", sent=True)
            raise NoReply from error
        call.status = response.status
        if body is None:
            call.failure = RpcMalformed(call.method, f"the answer is longer than {ANSWER_BYTES_MAX} bytes")
            return error_answer(call.id, INTERNAL_ERROR, str(call.failure))
        return body if plain else _renumbered(body, call.id)

    def _sent(self, call: Call, chain: Chain, body: bytes) -> None:
        try:
            # Clients number their calls as they like; an id is only compared.
            parse_answer(call.method, cast("int", call.id), call.status, body)
        except RpcFailure as failure:
            call.failure = failure
            return
        assert call.sent is not None
        if call.plan.route is None:
            self._submits.taken(call.sent, call.raw)
        else:
            chain.handed_over(call.sent.hash, call.raw)

    @staticmethod
    def _refused(call: Call, refused: RpcRefused) -> bytes:
        call.failure = refused
        return error_answer(call.id, refused.code, refused.reason, refused.data)


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


def _result(body: bytes) -> Any:
    """What a node answered, an error included; None for nothing yet."""
    try:
        answer = from_json(body)
    except ValueError:
        return body
    return (answer.get("result") or answer.get("error")) if isinstance(answer, dict) else body


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
