"""What one Locust worker does of a plan: its streams, its log of attempts, its report of itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from hdrh.histogram import HdrHistogram

from lab.bounded_files import write_atomically
from lab.load.generator.chain import ChainClient
from lab.load.generator.driver import Fire, StreamDriver
from lab.load.record.plan import Plan
from lab.load.record.run_files import attempts_file, worker_file
from lab.load.record.worker_report import WorkerReport
from lab.traffic.attempts import AttemptLog

LATENCY_US_MAX = 3_600_000_000
SIGNIFICANT_DIGITS = 3
SAMPLE_EVERY_S = 5.0


class Worker:
    """One rank of a plan. `claim` hands out its streams one by one; `close` writes its report."""

    def __init__(self, plan: Plan, rank: int, workers: int, fire: Fire) -> None:
        self.plan, self.rank, self.workers = plan, rank, workers
        self.folder = Path(plan.folder)
        self._process = psutil.Process()
        self._log = AttemptLog(attempts_file(self.folder, rank))
        self._histograms: dict[str, Any] = {}
        self._fire = fire
        names = {leg.chain for leg in plan.legs()}
        chains = {name: ChainClient(name, plan) for name in sorted(names)}
        self._unclaimed = [
            StreamDriver(plan, stream, chains, self._log, self._event, rank=rank, workers=workers)
            for stream in plan.streams
        ]
        self._drivers = list(self._unclaimed)
        self._cpu_s = self._cpu()
        self._begun = time.monotonic()
        self._memory: list[tuple[float, int]] = []
        self._closed = False

    def claim(self) -> StreamDriver | None:
        """A stream that nobody drives yet."""
        return self._unclaimed.pop(0) if self._unclaimed else None

    @property
    def done(self) -> bool:
        """Whether every stream has ended."""
        return all(driver.tally.finished for driver in self._drivers)

    def sample(self) -> None:
        """Note the memory in use; call it every few seconds."""
        self._memory.append((round(time.monotonic() - self._begun, 1), self._process.memory_info().rss))
        self._log.flush()

    def close(self) -> None:
        """Write this worker's report of itself. May be called twice."""
        if self._closed:
            return
        self._closed = True
        for driver in self._drivers:
            if driver not in self._unclaimed:
                driver.await_end()
        self.sample()
        self._log.close()
        write_atomically(worker_file(self.folder, self.rank), self._report().model_dump_json())

    def _report(self) -> WorkerReport:
        return WorkerReport(
            rank=self.rank,
            workers=self.workers,
            pid=os.getpid(),
            cpu_seconds=round(self._cpu() - self._cpu_s, 3),
            wall_seconds=round(time.monotonic() - self._begun, 3),
            memory=self._memory,
            streams={driver.stream.name: driver.tally for driver in self._drivers},
            histograms={name: one.encode().decode("ascii") for name, one in self._histograms.items()},
        )

    def _event(self, label: str, chain: str, milliseconds: float, size: int, error: str | None) -> None:
        key = f"{label} {chain}"
        histogram = self._histograms.get(key)
        if histogram is None:
            histogram = self._histograms[key] = HdrHistogram(1, LATENCY_US_MAX, SIGNIFICANT_DIGITS)
        if error is None:
            histogram.record_value(max(1, round(milliseconds * 1000)))
        self._fire(label, chain, milliseconds, size, error)

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


def sampler(worker: Worker, sleep: Callable[[float], None]) -> Callable[[], None]:
    """A loop that samples until it is killed."""

    def loop() -> None:
        while True:
            worker.sample()
            sleep(SAMPLE_EVERY_S)

    return loop
