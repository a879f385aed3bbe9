"""Answers asked for in one request, each handed to the call that comes for it.

Whoever knows what it is going to ask says so, and then asks as it would have done: its code, and the order in which it
asks, are the same whether the transport below carries several calls at once or not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lab.rpc.errors import RpcRefused
from lab.rpc.refusals import is_busy
from lab.rpc.transport import Transport

# Providers take 100 and more in a batch.
AT_ONCE_MAX = 100

Request = tuple[str, list[Any]]
Many = Callable[[Sequence[Request]], list[Any]]


class Prefetching:
    """A `Transport` over another. Where that one has no `many`, or its node takes no batches, it asks one by one."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._many: Many | None = getattr(transport, "many", None)
        self._outcomes: dict[str, Any] = {}

    @property
    def batches(self) -> bool:
        """Whether several calls go into one request."""
        return self._many is not None

    @contextmanager
    def asked(self, requests: Sequence[Request], head: tuple[int, str] | None = None) -> Iterator[None]:
        """Ask for what is called for within; what was not called for is forgotten. Raises an RpcFailure.

        What is asked of the block with the head's hash goes out by its number, beside the question which block that is:
        one request is answered by one node, and nodes look up a number at once, but a hash in a full block slowly.
        """
        before, self._outcomes = self._outcomes, {}
        try:
            self._ask(requests, head)
            yield
        finally:
            self._outcomes = before

    def _ask(self, requests: Sequence[Request], head: tuple[int, str] | None) -> None:
        for start in range(0, len(requests), AT_ONCE_MAX):
            part = requests[start : start + AT_ONCE_MAX]
            if self._many is None or len(requests) < 2:
                return
            try:
                outcomes = self._many(part) if head is None else self._at(head, part, self._many)
            except RpcRefused as refused:
                if is_busy(refused):
                    raise
                # It takes no batches: whatever else it refuses the calls themselves will meet with.
                self._many = None
                return
            for request, outcome in zip(part, outcomes, strict=False):
                self._outcomes[_key(*request)] = outcome

    @staticmethod
    def _at(head: tuple[int, str], part: Sequence[Request], many: Many) -> list[Any]:
        number, block_hash = hex(head[0]), {"blockHash": head[1]}
        sent = [(method, [number if param == block_hash else param for param in params]) for method, params in part]
        *outcomes, block = many([*sent, ("eth_getBlockByNumber", [number, False])])
        same = isinstance(block, dict) and str(block.get("hash")).lower() == head[1]
        # Of another block nothing is taken: whoever asks by the hash hears from the node that it is gone.
        return outcomes if same else []

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
