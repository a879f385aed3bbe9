"""Puts on record how often the relayer asks each chain, under the real clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lab.chains.scheduler import Scheduler
from lab.evidence import Recorder
from lab.model.record_parts.requests import Requests

EVERY_MS = 5_000
Counts = Mapping[str, tuple[int, int]]
"""By chain, how many calls came so far, and how many of them were answered that there are too many."""


class RequestWatch:
    """One line for each chain every five seconds of the run, from genesis on."""

    def __init__(self, scheduler: Scheduler, recorder: Recorder, counts: Callable[[], Counts]) -> None:
        self._scheduler, self._recorder, self._counts = scheduler, recorder, counts
        self._since_ms, self._before = 0, dict(counts())

    def start(self) -> None:
        """Count from genesis on, or from now where that is over."""
        self._scheduler.at(max(0, self._scheduler.now_ms), self._begin)

    def _begin(self) -> None:
        self._since_ms, self._before = self._scheduler.now_ms, dict(self._counts())
        self._scheduler.at(self._since_ms + EVERY_MS, self._look)

    def _look(self) -> None:
        now_ms, counts = self._scheduler.now_ms, dict(self._counts())
        for chain, (calls, limited) in counts.items():
            calls_before, limited_before = self._before[chain]
            line = Requests(
                t_ms=now_ms,
                chain=chain,
                since_ms=self._since_ms,
                calls=calls - calls_before,
                limited=limited - limited_before,
            )
            self._recorder.add(line)
        self._begin()
