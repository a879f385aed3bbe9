"""Where a relayer's time goes: what it asked the nodes for, how long it waited for that, and what it computed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from lab.rpc.prefetch import Request
from lab.rpc.transport import HttpTransport, Transport


class Timings:
    """By method: requests, calls in them, and seconds until their answers. A request of several goes by its first."""

    def __init__(self) -> None:
        self._methods: dict[str, list[float]] = {}
        # Chains are asked side by side.
        self._lock = threading.Lock()
        self._begun = time.monotonic()

    def note(self, method: str, calls: int, seconds: float) -> None:
        """A request was answered, or failed."""
        with self._lock:
            spent = self._methods.setdefault(method, [0, 0, 0.0])
            spent[0] += 1
            spent[1] += calls
            spent[2] += seconds

    def lines(self) -> Iterator[dict[str, Any]]:
        """Near the end of a relayer's log: one for each method, and one of the process."""
        for method, (requests, calls, seconds) in sorted(self._methods.items()):
            counts = {"requests": int(requests), "calls": int(calls), "seconds": round(seconds, 3)}
            yield {"event": "timing", "method": method, **counts}
        alive_s, cpu_s = round(time.monotonic() - self._begun, 3), round(time.process_time(), 3)
        yield {"event": "timings", "alive_s": alive_s, "cpu_s": cpu_s}


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
