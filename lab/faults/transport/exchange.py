"""What becomes of a request on its way to a node and back: the one interpreter of the faults' effects.

Generators without I/O and without a clock: they yield what is to be done, and are sent what came of it. The gate drives
them on simulated time, the carrier on the proxy's event loop.

A batch is one request on the wire: its longest delay counts, one lost reply loses all of it, an HTTP status refuses all
of it; JSON-RPC errors and pool rules act on each call.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from lab.chains.chain import Chain
from lab.faults.transport.fee_advice import ADVICE, advised
from lab.faults.transport.methods import FILTER_CHANGES, NEW_FILTER, SEND, SEND_SYNC, SENDS, own_answer
from lab.faults.transport.policy import Effect, Planner, Refusal
from lab.faults.transport.raw_transaction import Sent, as_the_node_has_it, decode_raw
from lab.faults.transport.submits import Submits
from lab.faults.transport.sync_send import LOOK_MS, not_mined, sync_wait_s
from lab.rpc import RpcFailure, RpcRefused, RpcUnavailable
from lab.rpc.refusals import limits


@dataclass
class Call:
    """One call on its way. `params` None: they are not given by position, and pass as they are.

    `failure` is what became of a send, None where the node took it.
    """

    method: str
    params: list[Any] | None
    plan: Effect
    sent: Sent | None = None
    failure: RpcFailure | None = None

    @classmethod
    def arrived(cls, method: str, params: Any, policy: Planner) -> Self:
        """A call that arrives now: what the faults do to it is decided."""
        given = params if isinstance(params, list) else None
        call = cls(method, given, policy.plan(method))
        if method in SENDS and given:
            call.sent = decode_raw(given[0])
        return call

    @property
    def limited(self) -> bool:
        """Whether it is answered that there are too many requests."""
        refusal = self.plan.refusal
        return refusal is not None and limits(refusal.http_status or refusal.code)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: a result, or what the node refused with. `body` is how it came over the wire, if it did."""

    result: Any = None
    failure: RpcFailure | None = None
    body: bytes | None = None


class ConnectionReset(Exception):
    """The client's connection breaks. `failure` says what it may assume."""

    def __init__(self, failure: RpcUnavailable) -> None:
        self.failure = failure
        super().__init__(str(failure))


class StatusAnswer(Exception):
    """The client gets an HTTP status with a text instead of JSON-RPC answers."""

    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text
        super().__init__(f"HTTP {status}: {text}")


@dataclass(frozen=True, slots=True)
class Travel:
    """Half of a delay: on the way to the node, or back from it after `delay_ms` in all."""

    delay_ms: int
    back: bool


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing comes any more: the client waits until it gives up."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Let time pass before the next look."""

    ms: int


@dataclass(frozen=True, slots=True)
class Reach:
    """The request reaches a chain's node. `raw` is the transaction that it brings, if it is one that sends."""

    chain: Chain
    raw: str | None


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the node; sent is a Reply. `read`: its result is looked at. `params` None: those of the call."""

    call: Call
    chain: Chain
    method: str
    params: list[Any] | None
    read: bool


Step = Travel | Hang | Pause | Reach | Ask
Steps = Generator[Step, Reply | None, Reply]


def exchange(
    calls: Sequence[Call], home: Chain, submits: Submits, now_ms: Callable[[], int]
) -> Generator[Step, Reply | None, list[Reply]]:
    """The replies to one request. Raises ConnectionReset, StatusAnswer, and what the driver raises."""
    delay_ms = max(call.plan.delay_ms for call in calls)
    if delay_ms:
        yield Travel(delay_ms, back=False)
    if any(call.plan.silence for call in calls):
        yield Hang()
    _reset(calls, home, "before")
    status = next((refusal for call in calls if (refusal := call.plan.refusal) and refusal.http_status), None)
    replies = []
    if status is None:
        for call in calls:
            replies.append((yield from _answer(call, home, submits, now_ms)))
    # A refusal travels back like any other answer: it may be late, or lost.
    if any(call.plan.lose_reply for call in calls):
        yield Hang()
    if delay_ms:
        yield Travel(delay_ms, back=True)
    _reset(calls, home, "after")
    if status is not None:
        raise _all_refused(calls, status)
    return replies


def _reset(calls: Sequence[Call], home: Chain, when: Literal["before", "after"]) -> None:
    if any(call.plan.reset == when for call in calls):
        raise ConnectionReset(RpcUnavailable(calls[0].method, f"connection reset: {home.name}", sent=True))


def _all_refused(calls: Sequence[Call], refusal: Refusal) -> StatusAnswer:
    status = refusal.http_status or refusal.code
    for call in calls:
        call.failure = RpcRefused(call.method, status, refusal.message)
    return StatusAnswer(status, refusal.message)


def _answer(call: Call, home: Chain, submits: Submits, now_ms: Callable[[], int]) -> Steps:
    """One call's reply; a refusal by a rule, the pool or the lab is a reply, too."""
    try:
        reply = yield from _forwarded(call, home, submits, now_ms)
        if call.plan.rewrites and reply.failure is None:
            reply = Reply(call.plan.rewritten(reply.result))
    except RpcRefused as refused:
        reply = Reply(failure=refused)
    except RpcUnavailable as broken:
        call.failure = broken
        raise ConnectionReset(broken) from broken
    if call.method in SENDS:
        call.failure = reply.failure
    return reply


def _forwarded(call: Call, home: Chain, submits: Submits, now_ms: Callable[[], int]) -> Steps:
    if (refusal := call.plan.refusal) is not None:
        raise RpcRefused(call.method, refusal.code, refusal.message)
    chain = call.plan.route or home
    if chain.condition == "down":
        chain.blocked_calls += 1
        raise RpcUnavailable(call.method, f"connection refused: {chain.name}", sent=False)
    if chain.condition == "paused":
        chain.blocked_calls += 1
    yield Reach(chain, str(call.params[0]) if call.method in SENDS and call.params else None)
    submits.permit(call.method)
    if (own := own_answer(call.method)) is not None:
        return Reply(own)
    if call.plan.asks and call.params is not None:
        call.params = call.plan.rewritten_params(call.params)
    if call.method in SENDS:
        return (yield from _send(call, chain, submits, now_ms))
    params, read = call.params if call.plan.asks else None, bool(call.plan.rewrites or call.plan.doubts)
    if call.method in (NEW_FILTER, FILTER_CHANGES):
        return (yield from _filtered(call, chain, params))
    min_tip = chain.profile.min_tip_wei if call.method in ADVICE else 0
    reply = _reply((yield Ask(call, chain, call.method, params, read=read or min_tip > 0)))
    if isinstance(reply.failure, RpcRefused):
        yield from _doubted(call, chain)
    if min_tip and reply.failure is None:
        return Reply(advised(call.method, reply.result, base_fee=chain.producer.head.base_fee, min_tip=min_tip))
    return reply


def _doubted(call: Call, chain: Chain) -> Generator[Step, Reply | None, None]:
    """The node refused: ask what it would have said without each fault that may be why."""
    for doubt in call.plan.doubts:
        instead = doubt.instead(call.params) if call.params is not None else None
        if instead is None:
            continue
        try:
            reply = _reply((yield Ask(call, chain, call.method, instead, read=True)))
        except RpcUnavailable:
            return
        if reply.failure is None:
            doubt.acted()


def _filtered(call: Call, chain: Chain, params: list[Any] | None) -> Steps:
    """A filter's changes are what came after it was made, and what a reorg took back: as geth tells it."""
    head = chain.producer.head.number
    reply = _reply((yield Ask(call, chain, call.method, params, read=True)))
    if reply.failure is not None:
        return reply
    if call.method == NEW_FILTER:
        chain.filters.made(reply.result, call.params[0] if call.params else None, head)
        return reply
    return Reply(chain.filters.news(call.params[0] if call.params else None, reply.result))


def _send(call: Call, chain: Chain, submits: Submits, now_ms: Callable[[], int]) -> Steps:
    """Hand over a raw transaction; whoever wants its block is notified by the lab, not by the node."""
    raw = call.params[0] if call.params else None
    submits.admit_type(call.method, raw)
    wait_s = sync_wait_s(call.params or []) if call.method == SEND_SYNC else 0.0
    own = call.plan.route is None
    if call.sent is not None:
        if own:
            submits.admit(call.sent)
        chain.expect(call.sent.hash)
    reply = Reply()
    for _ in range(2 if call.plan.duplicate else 1):
        reply = _reply((yield Ask(call, chain, SEND, [raw], read=True)))
        if reply.failure is not None:
            return reply
        yield from _taken(call, chain, submits, reply.result, str(raw), own=own)
    if not wait_s:
        return reply
    assert call.sent is not None
    return (yield from _mined(call, chain, call.sent, wait_s, now_ms))


def _taken(
    call: Call, chain: Chain, submits: Submits, answer: Any, raw: str, *, own: bool
) -> Generator[Step, Reply | None, None]:
    """The node took it. What the lab could not read itself is what the node says that it is."""
    if call.sent is None or (_is_hash(answer) and answer != call.sent.hash):
        seen = _reply((yield Ask(call, chain, "eth_getTransactionByHash", [answer], read=True)))
        known = call.sent is not None
        call.sent = as_the_node_has_it(seen.result, answer)
        if own and not known:
            try:
                submits.admit(call.sent)
            except RpcRefused:
                yield Ask(call, chain, "anvil_dropTransaction", [answer], read=True)
                raise
    if own:
        submits.taken(call.sent, raw)
    else:
        chain.handed_over(call.sent.hash, raw)


def _mined(call: Call, chain: Chain, sent: Sent, wait_s: float, now_ms: Callable[[], int]) -> Steps:
    """The receipt of what the node took. Raises RpcRefused when its time is over."""
    ends_ms = now_ms() + round(wait_s * 1000)
    while True:
        if chain.condition == "down":
            raise RpcUnavailable(SEND_SYNC, f"connection reset: {chain.name}", sent=True)
        if chain.condition == "up":
            try:
                reply = _reply((yield Ask(call, chain, "eth_getTransactionReceipt", [sent.hash], read=True)))
            except RpcUnavailable as broken:
                # Whatever the look-up came to, the transaction is with the node.
                raise RpcUnavailable(SEND_SYNC, str(broken), sent=True) from broken
            if reply.failure is not None or reply.result is not None:
                return reply
            if now_ms() >= ends_ms:
                raise not_mined(sent, wait_s)
        yield Pause(LOOK_MS)


def _reply(reply: Reply | None) -> Reply:
    assert reply is not None
    return reply


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 66
