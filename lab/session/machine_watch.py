"""Watches the machine in real time: its clock, which nobody may set, how late it makes everything, set-up first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from lab.chains.processes.starvation import Starvation
from lab.chains.scheduler import Scheduler
from lab.chains.wall_clock import WallClockWatch
from lab.evidence import Recorder
from lab.model.records import Lag, Note

# Twice a second, and more often where a second of the run is short: what judges a bound looks one second further.
LOOK_S, LOOK_MS_MAX = 0.5, 1_000
LAG_MIN_MS = 10
# Before the first set-up of this process was measured: a guess on the safe side.
SET_UP_S, SET_UP_CHAIN_S = 1.0, 0.25
# What is set aside after that: a bit more than the slowest of the last few took, so that one long one is forgotten.
MARGIN_S, MARGIN_FACTOR, REMEMBERED = 0.2, 2.0, 8


class MachineWatch:
    """Looks now and again, and puts on record what it sees. `pids` are the processes of nodes and relayer."""

    def __init__(self, scheduler: Scheduler, recorder: Recorder, pids: Callable[[], Iterable[int]]) -> None:
        self._scheduler, self._recorder, self._pids = scheduler, recorder, pids
        self._clock, self._starvation = WallClockWatch(), Starvation()
        self._since_ms = scheduler.now_ms

    def start(self) -> None:
        """Look for the first time, and from then on."""
        now_ms = self.look()
        self._scheduler.at(now_ms + min(self._scheduler.of_wall(LOOK_S), LOOK_MS_MAX), self.start)

    def look(self) -> int:
        """Look now, as somebody is about to judge what was late; the time of it."""
        now_ms = self._scheduler.now_ms
        self._look_at_clock(now_ms)
        self._look_at_lag(now_ms)
        self._since_ms = now_ms
        return now_ms

    def _look_at_clock(self, now_ms: int) -> None:
        """A run in which the clock is set cannot be judged."""
        if (jump_s := self._clock.jump_s()) is not None:
            text = (
                f"the machine's clock was set by {jump_s:+.1f} s at {max(0, now_ms) / 1000:.1f} s of the run, or the "
                "machine slept: times of this run mean nothing; run it again"
            )
            self._recorder.add(Note(t_ms=max(0, now_ms), kind="clock", text=text))

    def _look_at_lag(self, now_ms: int) -> None:
        waited_s = self._starvation.since_last_ms(self._pids()) / 1000
        starved_ms = min(self._scheduler.of_wall(waited_s), now_ms - self._since_ms)
        turns_ms = self._scheduler.take_lateness_ms()
        if now_ms > 0 and max(turns_ms, starved_ms) >= LAG_MIN_MS:
            self._recorder.add(Lag(t_ms=now_ms, turns_ms=turns_ms, starved_ms=starved_ms))


class SetUpTime:
    """How long set-up takes on the wall: genesis is set that far ahead, so that a run in real time can begin at it.

    Learnt from every set-up of this process, whatever its clock: the work is the same.
    """

    def __init__(self) -> None:
        self._chain_s: deque[float] = deque(maxlen=REMEMBERED)

    def expected_s(self, chains: int) -> float:
        """How long to set aside for so many chains."""
        if not self._chain_s:
            return SET_UP_S + SET_UP_CHAIN_S * chains
        return MARGIN_S + MARGIN_FACTOR * max(self._chain_s) * chains

    def took(self, seconds: float, chains: int) -> None:
        """Learn from one."""
        self._chain_s.append(seconds / chains)
