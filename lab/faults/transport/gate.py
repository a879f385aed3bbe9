"""The relayer's way to one chain under the virtual clock: a transport with the faults in it."""

from __future__ import annotations

import json
from typing import Any

from lab.chains.chain import Chain
from lab.chains.scheduler import Scheduler
from lab.faults.transport.methods import SEND, SEND_SYNC, SENDS
from lab.faults.transport.policy import Effect, Policy
from lab.faults.transport.raw_transaction import Sent, decode_raw
from lab.faults.transport.submits import Submits
from lab.faults.transport.sync_send import LOOK_S, not_mined, sync_wait_s
from lab.rpc import RpcFailure, RpcMalformed, RpcRefused, RpcTimeout, RpcUnavailable
from lab.rpc.transport import ANSWER_BYTES_MAX, parse_answer


class Gate:
    """A `Transport` whose delays are simulated time and whose answers come from the chain as of that time."""

    def __init__(
        self,
        chain: Chain,
        scheduler: Scheduler,
        policy: Policy,
        submits: Submits,
        *,
        timeout_s: float,
    ) -> None:
        self._chain = chain
        self._scheduler = scheduler
        self._policy = policy
        self._submits = submits
        self._timeout_s = timeout_s

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        if method not in SENDS:
            return self._carry(method, params, timeout_s or self._timeout_s, None)
        sent = decode_raw(params[0]) if params else None
        try:
            result = self._carry(method, params, timeout_s or self._timeout_s, sent)
        except RpcFailure as failure:
            if sent is not None:
                self._submits.record(sent, failure)
            raise
        if sent is not None:
            self._submits.record(sent, None)
        return result

    def _carry(self, method: str, params: list[Any], timeout_s: float, sent: Sent | None) -> Any:
        plan = self._policy.plan(method)
        deadline_ms = self._scheduler.now_ms + round(timeout_s * 1000)
        back_ms = self._scheduler.now_ms + plan.delay_ms
        if plan.delay_ms:
            # Half of a delay is on the way there: what the answer says may be old by the other half.
            self._scheduler.sleep_until(min(deadline_ms, self._scheduler.now_ms + plan.delay_ms // 2))
        if plan.silence:
            self._scheduler.sleep_until(deadline_ms)
            raise RpcTimeout(method, timeout_s)
        if plan.reset == "before":
            raise RpcUnavailable(method, f"connection reset: {self._chain.name}", sent=True)
        result, refused = None, None
        try:
            if plan.refusal is not None:
                raise RpcRefused(method, plan.refusal.http_status or plan.refusal.code, plan.refusal.message)
            result = plan.told(self._forward(method, plan, params, deadline_ms, timeout_s, sent))
        except RpcRefused as error:
            # A refusal travels back like any other answer: it may be late, or lost.
            refused = error
        if plan.lose_reply or back_ms > deadline_ms:
            self._scheduler.sleep_until(deadline_ms)
            raise RpcTimeout(method, timeout_s)
        if plan.delay_ms:
            self._scheduler.sleep_until(back_ms)
        if plan.reset == "after":
            raise RpcUnavailable(method, f"connection reset: {self._chain.name}", sent=True)
        if plan.twists:
            return _read(method, plan.twisted(_body(result, refused)))
        if refused is not None:
            raise refused
        return result

    def _forward(
        self, method: str, plan: Effect, params: list[Any], deadline_ms: int, timeout_s: float, sent: Sent | None
    ) -> Any:
        chain = plan.route or self._chain
        if chain.condition == "down":
            chain.blocked_calls += 1
            raise RpcUnavailable(method, f"connection refused: {chain.name}", sent=False)
        if chain.condition == "paused":
            chain.blocked_calls += 1
            if sent is not None:
                chain.queue(str(params[0]))
            self._scheduler.sleep_until(deadline_ms)
            raise RpcTimeout(method, timeout_s)
        rpc = chain.look()
        self._submits.permit(method)
        params = plan.asked(params)
        if method not in SENDS:
            return rpc.call(method, *params)
        if sent is None:
            raise self._submits.unreadable(method, params[0] if params else None)
        wait_s = sync_wait_s(params) if method == SEND_SYNC else 0.0
        # Before the call, whose answer may be an error although the node took the transaction.
        chain.producer.pool_may_hold = True
        if plan.route is None:
            self._submits.admit(sent)
        result = rpc.call(SEND, params[0])
        if plan.route is None:
            self._submits.taken(sent, str(params[0]))
        else:
            chain.handed_over(sent.hash, str(params[0]))
        if plan.duplicate:
            result = rpc.call(SEND, params[0])
        return self._mined(chain, sent, wait_s, deadline_ms, timeout_s) if wait_s else result

    def _mined(self, chain: Chain, sent: Sent, wait_s: float, deadline_ms: int, timeout_s: float) -> Any:
        """The receipt of what the node took. Raises RpcRefused when its time is over, RpcTimeout at the deadline."""
        ends_ms = self._scheduler.now_ms + round(wait_s * 1000)
        while self._scheduler.now_ms < deadline_ms:
            if chain.condition == "down":
                raise RpcUnavailable(SEND_SYNC, f"connection reset: {chain.name}", sent=True)
            receipt = chain.look().receipt(sent.hash) if chain.condition == "up" else None
            if receipt is not None:
                return receipt
            if self._scheduler.now_ms >= ends_ms:
                raise not_mined(sent, wait_s)
            self._scheduler.sleep_until(min(deadline_ms, self._scheduler.now_ms + round(LOOK_S * 1000)))
        raise RpcTimeout(SEND_SYNC, timeout_s)


def _body(result: Any, refused: RpcRefused | None) -> bytes:
    """The answer as it would stand on the wire."""
    if refused is None:
        return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": refused.code, "message": refused.reason}}).encode()


def _read(method: str, body: bytes) -> Any:
    """What a client makes of a body: the same as over HTTP."""
    if len(body) > ANSWER_BYTES_MAX:
        raise RpcMalformed(method, f"expected an answer of at most {ANSWER_BYTES_MAX} bytes, got more")
    return parse_answer(method, 1, 200, body)
