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
    def __init__(self, run: str, open_bench: bytes) -> None:
        self._run, self._process = run, BenchProcess(open_bench)
        self._working = threading.Lock()
        self._closing: threading.Timer | None = None

    def do(self, work: bytes) -> Answer:
        with self._working:
            if self._closing is not None:
                self._closing.cancel()
            begin_s = time.monotonic()
            try:
                self._process.submit(work)
                reply: bytes | None = self._process.reply()
            except ProcessDied:
                reply = None
            self._closing = threading.Timer(IDLE_S, leave, [self._run])
            self._closing.daemon = True
            self._closing.start()
            return reply, time.monotonic() - begin_s

    def close(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        if self._working.acquire(blocking=False):
            self._process.close()
        else:
            self._process.kill()


_hosts: dict[str, _Host] = {}


def join(run: str, open_bench: bytes, first: bytes) -> Answer:
    """Start the process of a run, and do the first task there."""
    leave(run)
    _hosts[run] = _Host(run, open_bench)
    return work(run, first)


def work(run: str, work: bytes) -> Answer:
    """Do a task on the bench of a run."""
    if (host := _hosts.get(run)) is None:
        return None, 0.0
    answer = host.do(work)
    if answer[0] is None:
        leave(run)
    return answer


def leave(run: str) -> None:
    """Close the bench of a run; a task that it is at is ended."""
    if (host := _hosts.pop(run, None)) is not None:
        host.close()
