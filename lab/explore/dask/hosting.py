"""What a Dask worker does for a run of the lab: it keeps a process with a bench, and hands it one task after the other.

Nothing is computed in the worker itself. So it answers its scheduler whatever a task does, Dask has no reason to end it
for its memory, and a task that kills its process leaves a worker that says so.
"""

from __future__ import annotations

import threading
import time

from lab.explore.bench_process import BenchProcess, ProcessDied

# A client that was killed takes no leave: a bench of which nothing was asked for so long is closed.
IDLE_S = 60.0
Answer = tuple[bytes | None, float]
"""What the process replied, None where it died or is not there any more, and how many seconds that took."""


class _Host:
    """Of one run. Its process is opened by the first task, and anew by one that comes after it was closed as idle."""

    def __init__(self, open_bench: bytes) -> None:
        self._open_bench = open_bench
        self._process: BenchProcess | None = None
        self._working = threading.Lock()
        self._closing: threading.Timer | None = None

    def do(self, work: bytes) -> Answer:
        with self._working:
            self._stay()
            begin_s = time.monotonic()
            if self._process is None:
                self._process = BenchProcess(self._open_bench)
            try:
                self._process.submit(work)
                reply: bytes | None = self._process.reply()
            except ProcessDied:
                reply = None
            self._closing = threading.Timer(IDLE_S, self._rest)
            self._closing.daemon = True
            self._closing.start()
            return reply, time.monotonic() - begin_s

    def close(self) -> None:
        self._stay()
        idle = self._working.acquire(blocking=False)
        if self._process is not None:
            (self._process.close if idle else self._process.kill)()

    def _stay(self) -> None:
        if self._closing is not None:
            self._closing.cancel()

    def _rest(self) -> None:
        if self._working.acquire(blocking=False):
            try:
                if self._process is not None:
                    self._process.close()
                    self._process = None
            finally:
                self._working.release()


_hosts: dict[str, _Host] = {}
# Runs that are over: what was asked for before, and comes to its turn only now, starts nothing any more.
_over: set[str] = set()
_changing = threading.Lock()


def join(run: str, open_bench: bytes, first: bytes) -> Answer:
    """Start the process of a run, and do the first task there."""
    close(run)
    with _changing:
        if run in _over:
            return None, 0.0
        _hosts[run] = _Host(open_bench)
    return work(run, first)


def work(run: str, task: bytes) -> Answer:
    """Do a task, pickled with its job, on the bench of a run."""
    if (host := _hosts.get(run)) is None:
        return None, 0.0
    answer = host.do(task)
    if answer[0] is None:
        close(run)
    return answer


def leave(run: str) -> None:
    """The run is over: close its bench; a task that it is at is ended."""
    with _changing:
        _over.add(run)
    close(run)


def close(run: str) -> None:
    """Close the bench of a run, if there is one."""
    if (host := _hosts.pop(run, None)) is not None:
        host.close()
