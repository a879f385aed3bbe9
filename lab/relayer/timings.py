"""Where a relayer's time goes: what it asked the nodes for, how long it waited for that, and what it computed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from lab.rpc.prefetch import Request
from lab.rpc.transport import HttpTransport, Transport


class Timings:
    """By method: requests, calls in them, and seconds until their answers. A request of several goes by its first."""

    def __init__(self) -> None:
        self._methods: dict[str, list[float]] = {}
        self._begun = time.monotonic()

    def note(self, method: str, calls: int, seconds: float) -> None:
        """A request was answered, or failed."""
        spent = self._methods.setdefault(method, [0, 0, 0.0])
        spent[0] += 1
        spent[1] += calls
        spent[2] += seconds

    def to_json(self) -> dict[str, Any]:
        """For the last line but one of a relayer's log."""
        methods = {
            method: {"requests": int(spent[0]), "calls": int(spent[1]), "seconds": round(spent[2], 3)}
            for method, spent in sorted(self._methods.items())
        }
        return {
            "event": "timings",
            "alive_s": round(time.monotonic() - self._begun, 3),
            "cpu_s": round(time.process_time(), 3),
            "methods": methods,
        }


class Timed:
    """A `Transport` that is timed; `many` only where the one below has it, and it is wanted."""

    def __init__(self, transport: Transport, timings: Timings, *, batches: bool = True) -> None:
        self._transport, self._timings = transport, timings
        if batches and isinstance(transport, HttpTransport):
            self._http = transport
            self.many = self._many

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        begun = time.monotonic()
        try:
            return self._transport.call(method, params, timeout_s)
        finally:
            self._timings.note(method, 1, time.monotonic() - begun)

    def _many(self, calls: Sequence[Request]) -> list[Any]:
        begun = time.monotonic()
        try:
            return self._http.many(calls)
        finally:
            self._timings.note(calls[0][0], len(calls), time.monotonic() - begun)
