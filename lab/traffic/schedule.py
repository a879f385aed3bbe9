"""When arrivals are due: an open loop. The schedule never looks at how the system does; who falls behind is late.

A schedule is a list of segments in each of which the rate changes linearly. The number of arrivals due by a moment is
the integral of the rate, so that any arrival's moment can be computed and every worker knows its share without asking.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in which the rate goes from one value to another, in arrivals a second."""

    seconds: float
    from_tps: float
    to_tps: float

    @property
    def arrivals(self) -> float:
        """How many are due in it; not a whole number."""
        return self.seconds * (self.from_tps + self.to_tps) / 2


class Schedule:
    """Arrivals come later by `phase`, from 0 up to 1: that part of the time from each to the next.

    Raises ValueError for rates or durations that are not positive; a rate of 0 is allowed within a schedule.
    """

    def __init__(self, segments: Sequence[Segment], phase: float = 0.0) -> None:
        if not segments:
            raise ValueError("expected at least one segment, got none")
        if not 0 <= phase < 1:
            raise ValueError(f"expected a phase from 0 up to 1, got {phase:g}")
        for segment in segments:
            if not 0 < segment.seconds < math.inf:
                raise ValueError(f"expected a duration above 0 s, got {segment.seconds:g}")
            if not (0 <= segment.from_tps < math.inf and 0 <= segment.to_tps < math.inf):
                raise ValueError(f"expected rates of 0 or more, got {segment.from_tps:g} to {segment.to_tps:g}")
        self.segments, self.phase = tuple(segments), phase
        self._starts_s = [0.0, *accumulate(segment.seconds for segment in segments)]
        self._counts = [0.0, *accumulate(segment.arrivals for segment in segments)]
        self.seconds = self._starts_s[-1]
        # The last digit of a sum of floats must not cost an arrival.
        self.arrivals = math.floor(self._counts[-1] + 1e-6)
        if self.arrivals < 1:
            raise ValueError("expected a schedule with at least one arrival, got a rate of 0 throughout")

    @property
    def peak_tps(self) -> float:
        return max(max(segment.from_tps, segment.to_tps) for segment in self.segments)

    def rate(self, at_s: float) -> float:
        """Arrivals a second at a moment; 0 outside of the schedule."""
        for start, segment in zip(self._starts_s, self.segments, strict=False):
            if start <= at_s < start + segment.seconds:
                return segment.from_tps + (segment.to_tps - segment.from_tps) * (at_s - start) / segment.seconds
        return 0.0

    def due(self, at_s: float) -> int:
        """How many arrivals are due up to and including a moment: arrival k when the integral reaches k + phase."""
        if at_s < 0:
            return 0
        if at_s >= self.seconds:
            return self.arrivals
        index = next(i for i in range(len(self.segments)) if at_s < self._starts_s[i + 1])
        segment, passed = self.segments[index], at_s - self._starts_s[index]
        slope = (segment.to_tps - segment.from_tps) / segment.seconds
        count = self._counts[index] + segment.from_tps * passed + slope * passed * passed / 2
        return min(self.arrivals, math.floor(count - self.phase + 1e-6) + 1)

    def time_of(self, arrival: int) -> float:
        """When arrival number `arrival` (from 0) is due, in seconds since the start."""
        if not 0 <= arrival < self.arrivals:
            raise ValueError(f"expected an arrival from 0 to {self.arrivals - 1}, got {arrival}")
        last, reached = len(self.segments) - 1, arrival + self.phase
        index = next((i for i in range(last) if reached < self._counts[i + 1]), last)
        segment, left = self.segments[index], reached - self._counts[index]
        slope = (segment.to_tps - segment.from_tps) / segment.seconds
        if left <= 0:
            return self._starts_s[index]
        if abs(slope) < 1e-12:
            return self._starts_s[index] + left / segment.from_tps
        root = math.sqrt(max(0.0, segment.from_tps**2 + 2 * slope * left))
        return self._starts_s[index] + min(segment.seconds, 2 * left / (segment.from_tps + root))

    def part(self, share: float, number: int, count: int) -> Schedule:
        """One of `count` schedules side by side, by its number from 0: the same shape at a share of the rate.

        Their arrivals are spread: else a moment in which the machine is late would count once for each of them.
        """
        segments = [Segment(s.seconds, s.from_tps * share, s.to_tps * share) for s in self.segments]
        return Schedule(segments, number / count)


def constant(tps: float, seconds: float) -> list[Segment]:
    """The same rate throughout."""
    return [Segment(seconds, tps, tps)]


def ramp(from_tps: float, to_tps: float, seconds: float, hold_s: float = 0) -> list[Segment]:
    """A steady rise (or fall), then the last rate for `hold_s`."""
    rise = [Segment(seconds, from_tps, to_tps)]
    return rise + constant(to_tps, hold_s) if hold_s else rise


def steps(from_tps: float, step_tps: float, count: int, step_s: float) -> list[Segment]:
    """Plateaus, each higher than the one before: where the system stops following is its saturation."""
    if count < 1:
        raise ValueError(f"expected at least one step, got {count}")
    return [Segment(step_s, from_tps + i * step_tps, from_tps + i * step_tps) for i in range(count)]


def spike(base_tps: float, peak_tps: float, seconds: float, spike_s: float) -> list[Segment]:
    """The base rate with one burst in the middle; what comes after it shows the recovery."""
    flank_s = (seconds - spike_s) / 2
    if flank_s <= 0:
        raise ValueError(f"expected a spike shorter than the whole, got {spike_s:g} s of {seconds:g} s")
    return [
        Segment(flank_s, base_tps, base_tps),
        Segment(spike_s, peak_tps, peak_tps),
        Segment(flank_s, base_tps, base_tps),
    ]
