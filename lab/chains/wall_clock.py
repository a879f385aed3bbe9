"""Notices that the machine's clock is set while a run in real time goes on: its times would mean nothing then."""

from __future__ import annotations

import time
from collections.abc import Callable

# Clocks that are steered drift by far less between two looks; whoever sets one by less than this disturbs nothing.
JUMP_S = 1.0


class WallClockWatch:
    """Compares the clock that can be set with the one that cannot."""

    def __init__(
        self, wall_s: Callable[[], float] = time.time, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall_s, self._monotonic_s = wall_s, monotonic_s
        self._offset_s = self._offset()

    def jump_s(self) -> float | None:
        """By how many seconds the clock was set since the last look, forward or (negative) back; None if it was not.

        A machine that slept jumps forward, too.
        """
        before, self._offset_s = self._offset_s, self._offset()
        jump = self._offset_s - before
        return jump if abs(jump) >= JUMP_S else None

    def _offset(self) -> float:
        # The process may be kept waiting between two looks at a clock: the middle of the two is the best guess.
        before, wall, after = self._monotonic_s(), self._wall_s(), self._monotonic_s()
        return wall - (before + after) / 2
