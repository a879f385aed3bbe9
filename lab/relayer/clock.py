"""Time as the relayer sees it: milliseconds since the run's genesis, so that a simulated clock can stand in."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """`now_ms` counts from genesis; `sleep` takes seconds."""

    def now_ms(self) -> int:
        """Milliseconds since genesis."""

    def sleep(self, seconds: float) -> None:
        """Return after this long, or earlier when woken."""


class WallClock:
    """Wall time; `wake` ends a sleep early, for a clean stop."""

    def __init__(self, genesis_time: int) -> None:
        self._genesis_ms = genesis_time * 1000
        self._woken = threading.Event()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 - self._genesis_ms

    def sleep(self, seconds: float) -> None:
        self._woken.wait(seconds)

    def wake(self) -> None:
        """End this sleep and every later one at once."""
        self._woken.set()
