"""Time as the relayer sees it: milliseconds since the run's genesis, so that a simulated clock can stand in."""

from __future__ import annotations

import os
import threading
import time
from typing import Protocol

from lab.model.session import Session

# Set where this process's clock runs so many times as fast as the machine's.
SPEED_VARIABLE = "LAB_CLOCK_SPEED"


class Clock(Protocol):
    """`now_ms` counts from genesis; `sleep` takes seconds."""

    def now_ms(self) -> int:
        """Milliseconds since genesis."""

    def sleep(self, seconds: float) -> None:
        """Return after this long, or earlier when woken."""


def next_poll_ms(begun_ms: int, poll_ms: int) -> int:
    """When the poll after one that began then is due: a quarter of an interval past a whole number of them.

    Blocks come with whole seconds. So their news is there, and nearly a block time is left to be in the next.
    """
    behind = poll_ms // 4
    return ((begun_ms - behind) // poll_ms + 1) * poll_ms + behind


class WallClock:
    """Wall time, `speed` times as fast from genesis on; `wake` ends a sleep early, for a clean stop."""

    def __init__(self, genesis_time: int, speed: float = 1.0) -> None:
        self._genesis_ms, self._speed = genesis_time * 1000, speed
        self._woken = threading.Event()

    @classmethod
    def of(cls, session: Session) -> WallClock:
        """The clock of a session's chains, whether or not this process's own was made as fast."""
        return cls(session.genesis_time, 1.0 if SPEED_VARIABLE in os.environ else session.speed)

    def now_ms(self) -> int:
        return int((time.time_ns() // 1_000_000 - self._genesis_ms) * self._speed)

    def sleep(self, seconds: float) -> None:
        self._woken.wait(self.on_wall(seconds))

    def on_wall(self, seconds: float) -> float:
        """How many seconds of the wall so many of the relayer's last."""
        return seconds / self._speed

    def wake(self) -> None:
        """End this sleep and every later one at once."""
        self._woken.set()
