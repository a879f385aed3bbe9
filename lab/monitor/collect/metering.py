"""A transport that counts requests, bounds their rate and their time, and says what became of each."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import Any

from lab.monitor.metrics import REQUEST_SECONDS, Distribution, Samples
from lab.rpc import RpcFailure, RpcMalformed, RpcRefused, RpcTimeout, RpcUnavailable, Transport
from lab.rpc.failover import FailoverTransport

POLL_S, REQUESTS_PER_MINUTE = 5.0, 600
POLL_S_MAX = 20.0
_OUTCOMES: tuple[tuple[type[RpcFailure], str], ...] = (
    (RpcRefused, "refused"),
    (RpcTimeout, "timeout"),
    (RpcUnavailable, "unavailable"),
    (RpcMalformed, "malformed"),
)
METHODS = frozenset(
    {
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_getBalance",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getBlockReceipts",
        "eth_getCode",
        "eth_getLogs",
        "eth_getTransactionReceipt",
    }
)


class BudgetSpent(RpcFailure):
    """The bound of requests is reached: what is left is read in a later poll."""

    definite = True


class Metered:
    """A transport of one chain. The bound is a bucket that `now_s` fills: a minute's requests at most at once."""

    def __init__(
        self, chain: str, inner: Transport, now_s: Callable[[], float], *, per_minute: int = REQUESTS_PER_MINUTE
    ) -> None:
        self.chain, self.per_minute = chain, per_minute
        self._inner, self._now_s = inner, now_s
        self._left, self._filled_s = float(per_minute), now_s()
        self._deadline_s = float("inf")
        self._requests: Counter[tuple[str, str]] = Counter()
        # Counts by bucket and their sum, in place: a request is made some thousand times in a run.
        self._durations, self._spent_s = [0] * (len(REQUEST_SECONDS) + 1), 0.0
        self.deferred = 0

    def begin_poll(self) -> None:
        """Fill the bucket by the time gone by, and let the poll's deadline begin."""
        now_s = self._now_s()
        self._left = min(self.per_minute, self._left + max(0.0, now_s - self._filled_s) * self.per_minute / 60)
        self._filled_s = now_s
        self._deadline_s = time.monotonic() + POLL_S_MAX

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`. Raises BudgetSpent as well, and RpcTimeout once the poll has lasted too long."""
        if self._left < 1:
            raise BudgetSpent(method, f"{self.per_minute} requests a minute are spent")
        begun = time.monotonic()
        if begun > self._deadline_s:
            raise RpcTimeout(method, POLL_S_MAX)
        self._left -= 1
        try:
            result = self._inner.call(method, params, timeout_s)
        except RpcFailure as failure:
            self._count(method, next((word for kind, word in _OUTCOMES if isinstance(failure, kind)), "malformed"))
            raise
        finally:
            took = time.monotonic() - begun
            self._durations[bisect_left(REQUEST_SECONDS, took)] += 1
            self._spent_s += took
        self._count(method, "ok")
        return result

    def _count(self, method: str, outcome: str) -> None:
        self._requests[method if method in METHODS else "other", outcome] += 1

    def samples(self, into: Samples) -> None:
        """Requests by outcome, their times, the bound."""
        for (method, outcome), count in sorted(self._requests.items()):
            into.add("rpc_requests_total", count, self.chain, method, outcome)
        into.add("rpc_request_duration_seconds", Distribution(tuple(self._durations), self._spent_s), self.chain)
        into.add("rpc_requests_per_minute_limit", self.per_minute, self.chain)
        into.add("rpc_deferred_total", self.deferred, self.chain)
        if isinstance(self._inner, FailoverTransport):
            for number, report in enumerate(self._inner.reports(), 1):
                into.add("rpc_endpoint_up", float(report.state == "in use"), self.chain, str(number))
            into.add("rpc_endpoints_disagree", float(self._inner.disagreement is not None), self.chain)
