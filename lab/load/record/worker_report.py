"""What a generator worker reports of itself when it ends, beside the attempts that it noted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from lab.bounded_files import read_model
from lab.load.record.frozen import Frozen
from lab.load.record.plan import CUT_OFF, START


@dataclass
class Tally:
    """One stream on one worker. `held` arrivals waited for the system; lags are how late the worker woke up."""

    arrivals: int = 0
    dropped: int = 0
    held: int = 0
    senders: int = 0
    senders_blocked: int = 0
    resent: int = 0
    requests: int = 0
    recoveries: int = 0
    connections_peak: int = 0
    finished: bool = False
    refusals: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    tick_lag_us: list[int] = field(default_factory=list)


class WorkerReport(Frozen):
    """The file. `memory` is (seconds since the worker's start, bytes); histograms are encoded HdrHistograms."""

    rank: int
    workers: int
    pid: int
    cpu_seconds: float
    wall_seconds: float
    memory: list[tuple[float, int]]
    streams: dict[str, Tally]
    histograms: dict[str, str]


class CutOff(Frozen):
    """Ranks of the workers that the master had lost sight of when the load ended."""

    ranks: tuple[int, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Of a run's folder; none where nothing was noted."""
        path = folder / CUT_OFF
        return read_model(path, cls) if path.is_file() else cls()


class Start(Frozen):
    """When the load began (unix time), with how many workers, and which settings of Locust's contradict the profile."""

    starts_at: float = 0.0
    workers: int = 0
    contradictions: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Of a run's folder; without workers where no load ever began."""
        path = folder / START
        return read_model(path, cls) if path.is_file() else cls()
