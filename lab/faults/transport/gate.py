"""The relayer's way to one chain under the virtual clock: a transport with the faults in it."""

from __future__ import annotations

import json
from typing import Any

from lab.chains.chain import Chain
from lab.chains.scheduler import Scheduler
from lab.faults.transport.exchange import Ask, Call, ConnectionReset, Hang, Pause, Reach, Reply, StatusAnswer, Step
from lab.faults.transport.exchange import exchange as steps_of
from lab.faults.transport.methods import SEND, of_mined
from lab.faults.transport.policy import Planner
from lab.faults.transport.submits import Submits
from lab.rpc import RpcFailure, RpcMalformed, RpcRefused, RpcTimeout, RpcUnavailable
from lab.rpc.answers import parse_answer
from lab.rpc.transport import ANSWER_BYTES_MAX


class Gate:
    """A `Transport` whose delays are simulated time and whose answers come from the chain as of that time."""

    def __init__(
        self,
        chain: Chain,
        scheduler: Scheduler,
        policy: Planner,
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
        call = Call.arrived(method, params, self._policy)
        try:
            result = self._carried(call, timeout_s or self._timeout_s)
        except RpcFailure as failure:
            if call.sent is not None:
                self._submits.record(call.sent, failure)
            raise
        if call.sent is not None:
            self._submits.record(call.sent, None)
        return result

    def _carried(self, call: Call, timeout_s: float) -> Any:
        try:
            reply = _Journey(self._scheduler, call, timeout_s).end(self._chain, self._submits)
        except ConnectionReset as reset:
            raise reset.failure from None
        except StatusAnswer as answer:
            raise RpcRefused(call.method, answer.status, answer.text) from None
        if call.plan.transforms:
            return _read(call.method, call.plan.transformed(_body(reply)))
        if reply.failure is not None:
            raise reply.failure
        return reply.result


class _Journey:
    """One call under way on simulated time: carries out what `exchange` asks for."""

    def __init__(self, scheduler: Scheduler, call: Call, timeout_s: float) -> None:
        self._scheduler, self._call, self._timeout_s = scheduler, call, timeout_s
        self._begun_ms = scheduler.now_ms
        self._deadline_ms = scheduler.now_ms + round(timeout_s * 1000)

    def end(self, chain: Chain, submits: Submits) -> Reply:
        """The reply. Raises what `exchange` raises, and RpcTimeout at the client's deadline."""
        steps = steps_of([self._call], chain, submits, lambda: self._scheduler.now_ms)
        try:
            step = next(steps)
            while True:
                try:
                    reply = self._do(step)
                except RpcUnavailable as failure:
                    step = steps.throw(failure)
                else:
                    step = steps.send(reply)
        except StopIteration as end:
            replies: list[Reply] = end.value
            return replies[0]

    def _do(self, step: Step) -> Reply | None:
        if isinstance(step, Ask):
            return self._ask(step)
        if isinstance(step, Reach):
            self._reach(step)
        elif isinstance(step, Pause):
            self._sleep_until(self._scheduler.now_ms + step.ms)
            if self._scheduler.now_ms >= self._deadline_ms:
                self._give_up()
        elif isinstance(step, Hang):
            self._give_up()
        elif not step.back:
            # Half of a delay is on the way there: what the answer says may be old by the other half.
            self._sleep_until(self._scheduler.now_ms + step.delay_ms // 2)
        else:
            back_ms = self._begun_ms + step.delay_ms
            if back_ms > self._deadline_ms:
                self._give_up()
            self._scheduler.sleep_until(back_ms)
        return None

    def _reach(self, step: Reach) -> None:
        if step.chain.condition == "paused":
            if step.raw is not None and self._call.sent is not None:
                step.chain.queue(step.raw)
            self._give_up()
        # Whoever reaches a chain finds its blocks up to now.
        step.chain.look(pending=False)

    def _ask(self, step: Ask) -> Reply:
        params = (self._call.params if step.params is None else step.params) or []
        rpc = step.chain.look(pending=not of_mined(step.method, params))
        by_number = step.method == "eth_getBlockByNumber" and len(params) == 2 and params[1] is False
        if by_number and (block := step.chain.producer.recent.shown(params[0])) is not None:
            return Reply(block)
        if step.method == "eth_getLogs" and len(params) == 1 and step.chain.producer.recent.without_logs(params[0]):
            return Reply([])
        if step.method == SEND:
            # Before the call, whose answer may be an error although the node took the transaction.
            step.chain.producer.pool_may_hold = True
        try:
            return Reply(rpc.call(step.method, *params))
        except RpcRefused as refused:
            return Reply(failure=refused)

    def _sleep_until(self, t_ms: int) -> None:
        self._scheduler.sleep_until(min(self._deadline_ms, t_ms))

    def _give_up(self) -> None:
        self._scheduler.sleep_until(self._deadline_ms)
        raise RpcTimeout(self._call.method, self._timeout_s)


def _body(reply: Reply) -> bytes:
    """The answer as it would stand on the wire."""
    if not isinstance(reply.failure, RpcRefused):
        return json.dumps({"jsonrpc": "2.0", "id": 1, "result": reply.result}).encode()
    error = {"code": reply.failure.code, "message": reply.failure.message}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()


def _read(method: str, body: bytes) -> Any:
    """What a client makes of a body: the same as over HTTP."""
    if len(body) > ANSWER_BYTES_MAX:
        raise RpcMalformed(method, f"expected an answer of at most {ANSWER_BYTES_MAX} bytes, got more")
    return parse_answer(method, 1, 200, body)
