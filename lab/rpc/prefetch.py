"""Answers asked for in one request, each handed to the call that comes for it.

Whoever knows what it is going to ask says so, and then asks as it would have done: its code, and the order in which it
asks, are the same whether the transport below carries several calls at once or not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lab.rpc.errors import RpcRefused
from lab.rpc.refusals import is_busy
from lab.rpc.transport import Transport

# Providers take 100 and more in a batch.
AT_ONCE_MAX = 100

Request = tuple[str, list[Any]]


class Prefetching:
    """A `Transport` over another. Where that one has no `many`, or its node takes no batches, it asks one by one."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._many = getattr(transport, "many", None)
        self._outcomes: dict[str, Any] = {}

    @property
    def batches(self) -> bool:
        """Whether several calls go into one request."""
        return self._many is not None

    @contextmanager
    def asked(self, requests: Sequence[Request]) -> Iterator[None]:
        """Ask for what is called for within; what was not called for is forgotten. Raises an RpcFailure."""
        before, self._outcomes = self._outcomes, {}
        try:
            self._ask(requests)
            yield
        finally:
            self._outcomes = before

    def _ask(self, requests: Sequence[Request]) -> None:
        for start in range(0, len(requests), AT_ONCE_MAX):
            part = requests[start : start + AT_ONCE_MAX]
            if self._many is None or len(requests) < 2:
                return
            try:
                outcomes = self._many(part)
            except RpcRefused as refused:
                if is_busy(refused):
                    raise
                # It takes no batches: whatever else it refuses the calls themselves will meet with.
                self._many = None
                return
            for request, outcome in zip(part, outcomes, strict=True):
                self._outcomes[_key(*request)] = outcome

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`; an answer that is there already is given once."""
        if self._outcomes and (key := _key(method, params)) in self._outcomes:
            outcome = self._outcomes.pop(key)
            if isinstance(outcome, RpcRefused):
                raise outcome
            return outcome
        return self._transport.call(method, params, timeout_s)

    def close(self) -> None:
        """Close the transport below, if that can be closed."""
        close = getattr(self._transport, "close", None)
        if close is not None:
            close()


def _key(method: str, params: list[Any]) -> str:
    return method + json.dumps(params)
