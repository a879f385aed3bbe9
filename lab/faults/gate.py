"""The relayer's way to one chain under the virtual clock: a transport with the faults in it.

It sees what the relayer sends, whatever the relayer believes, and records it.
"""

from __future__ import annotations

from typing import Any

from lab.chains.chain import Chain
from lab.chains.scheduler import Scheduler
from lab.coordinator import Codec
from lab.evidence import Recorder
from lab.faults.policy import Policy
from lab.faults.pool_rules import PoolRules, Sent, decode_raw
from lab.model.history import Outcome, Submit
from lab.rpc import RpcFailure, RpcRefused, RpcTimeout, RpcUnavailable

SEND = "eth_sendRawTransaction"


class Gate:
    """A `Transport` whose delays are simulated time and whose answers come from the chain as of that time."""

    def __init__(
        self,
        chain: Chain,
        scheduler: Scheduler,
        recorder: Recorder,
        codec: Codec,
        policy: Policy,
        *,
        timeout_s: float,
    ) -> None:
        self._chain = chain
        self._scheduler = scheduler
        self._recorder = recorder
        self._codec = codec
        self._policy = policy
        self._timeout_s = timeout_s
        self._pool = PoolRules(chain.profile)

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        if method != SEND:
            return self._carry(method, params, timeout_s or self._timeout_s, None)
        sent = decode_raw(str(params[0]) if params else "")
        try:
            result = self._carry(method, params, timeout_s or self._timeout_s, sent)
        except RpcFailure as error:
            self._submitted(sent, "fail" if error.definite else "info", str(error))
            raise
        self._submitted(sent, "ok", None)
        return result

    def _carry(self, method: str, params: list[Any], timeout_s: float, sent: Sent | None) -> Any:
        plan = self._policy.plan(method)
        deadline_ms = self._scheduler.now_ms + round(timeout_s * 1000)
        back_ms = self._scheduler.now_ms + plan.delay_ms
        if plan.delay_ms:
            # Half of a delay is on the way there: what the answer says may be old by the other half.
            self._scheduler.sleep_until(min(deadline_ms, self._scheduler.now_ms + plan.delay_ms // 2))
        if plan.refusal is not None:
            raise RpcRefused(method, plan.refusal.http_status or plan.refusal.code, plan.refusal.message)
        result = self._forward(method, params, deadline_ms, timeout_s, sent)
        if plan.lose_reply or back_ms > deadline_ms:
            self._scheduler.sleep_until(deadline_ms)
            raise RpcTimeout(method, timeout_s)
        if plan.delay_ms:
            self._scheduler.sleep_until(back_ms)
        return result

    def _forward(self, method: str, params: list[Any], deadline_ms: int, timeout_s: float, sent: Sent | None) -> Any:
        chain = self._chain
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
        if sent is None:
            return rpc.call(method, *params)
        self._pool.admit(sent, mined=chain.observer.observed)
        result = rpc.call(method, *params)
        chain.handed_over(sent.hash, str(params[0]))
        self._pool.accepted(sent)
        return result

    def _submitted(self, sent: Sent | None, outcome: Outcome, error: str | None) -> None:
        if sent is None:
            return
        call = self._codec.decode_call(sent.data) if sent.to == self._chain.contract else None
        self._recorder.add(
            Submit(
                t_ms=self._scheduler.now_ms,
                chain=self._chain.name,
                sender=sent.sender,
                tx=sent.hash,
                nonce=sent.nonce,
                function=call.function if call else None,
                args=call.args if call else {},
                max_fee_per_gas=sent.max_fee_per_gas,
                outcome=outcome,
                error=error,
            )
        )
