"""What the workers of a run report of themselves: waits for their files, and adds them up."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from lab.bounded_files import read_model
from lab.load.analyse.statistics import Summary
from lab.load.record.frozen import Frozen
from lab.load.record.run_files import attempts_file, worker_files
from lab.load.record.worker_report import CutOff, Start, WorkerReport
from lab.model.statistics.percentile import percentile
from lab.traffic.book import NEVER, Book, read_attempts


class GeneratorFigures(Frozen):
    """All workers together. Memory in bytes; `tick_lag_ms` is how late they woke up."""

    workers: int
    cpu_seconds: float
    arrivals: int
    dropped: int
    held: int
    resent: int
    requests: int
    recoveries: int
    senders_blocked: int
    finished: bool
    tick_lag_ms: Summary
    memory_first: int
    memory_last: int
    memory_max: int
    refusals: dict[str, int]


def lost_workers(folder: Path, planned: int, within_s: float = 10.0) -> list[str]:
    """A sentence where not every worker came, or one did not report: what a run without them measured is not the load.

    Waits for the reports: with several hosts or processes the last may come after the end of the run.
    """
    start = Start.read(folder)
    if not start.workers:
        return ["no load began: the generator's workers did not come together"]
    deadline = time.monotonic() + within_s
    while (reports := len(worker_files(folder))) < start.workers and time.monotonic() < deadline:
        time.sleep(0.05)
    lost = []
    if start.workers < planned:
        lost.append(f"{planned - start.workers} of {planned} generator workers were gone before the load began")
    if reports < start.workers:
        lost.append(
            f"{start.workers - reports} of {start.workers} generator workers left no report: they died, or their "
            "folder is not shared with this one"
        )
    return [*lost, *(_cut_off(folder, rank, start.workers) for rank in CutOff.read(folder).ranks)]


def _cut_off(folder: Path, rank: int, workers: int) -> str:
    """What is known of a worker that the master lost sight of: what it noted itself, where that has come here."""
    text = f"generator worker {rank} of 0 to {workers - 1} was cut off from the master before the load ended"
    path, book = attempts_file(folder, rank), Book()
    if not path.is_file():
        return f"{text}, and what it sent is known to nobody"
    book.read(read_attempts(path))
    unanswered_us = book.rows["sent_us"][book.rows["accepted_us"] == NEVER]
    words = f"{len(unanswered_us):,} of them without an answer, the first after"
    when = f", {words} {unanswered_us.min() / 1e6:.1f} s" if len(unanswered_us) else ""
    return f"{text}: it had sent {len(book.rows):,} transactions{when}"


def generator_figures(folder: Path) -> GeneratorFigures:
    """Read the reports that are there."""
    reports = [read_model(path, WorkerReport) for path in worker_files(folder)]
    tallies = [tally for report in reports for tally in report.streams.values()]
    lags = sorted(lag for tally in tallies for lag in tally.tick_lag_us)
    memory = [[size for _, size in report.memory] for report in reports if report.memory]
    refusals: Counter[str] = Counter()
    for tally in tallies:
        refusals.update(tally.refusals)
        refusals.update(tally.failures)
    lag_ms = {f"p{percent}": percentile(lags, percent) / 1000 for percent in (50, 99)} if lags else {}
    return GeneratorFigures(
        workers=len(reports),
        cpu_seconds=round(sum(report.cpu_seconds for report in reports), 3),
        arrivals=sum(tally.arrivals for tally in tallies),
        dropped=sum(tally.dropped for tally in tallies),
        held=sum(tally.held for tally in tallies),
        resent=sum(tally.resent for tally in tallies),
        requests=sum(tally.requests for tally in tallies),
        recoveries=sum(tally.recoveries for tally in tallies),
        senders_blocked=sum(tally.senders_blocked for tally in tallies),
        finished=bool(tallies) and all(tally.finished for tally in tallies),
        tick_lag_ms=Summary(n=len(lags), max=lags[-1] / 1000 if lags else None, **lag_ms),
        memory_first=sum(rows[min(1, len(rows) - 1)] for rows in memory),
        memory_last=sum(rows[-1] for rows in memory),
        memory_max=sum(max(rows) for rows in memory),
        refusals=dict(refusals.most_common()),
    )
