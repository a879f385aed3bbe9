"""Ctrl-C while load runs: the first one ends the load early, with a report; the second one ends everything at once."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

from lab.environment import end_at_next_interrupt, leave_terminal

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Counts signals while it is open. The second raises KeyboardInterrupt, and the first too unless `graceful`."""

    def __init__(self) -> None:
        self.count = 0
        self.graceful = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        self._before = {number: signal.signal(number, self._on_signal) for number in NUMBERS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if number == signal.SIGHUP:
            leave_terminal()
        if self.count == 2 or (self.count == 1 and not self.graceful):
            end_at_next_interrupt()
            raise KeyboardInterrupt
