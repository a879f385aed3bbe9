"""Runs many jobs in a few processes, each with a backend and a reaper of its own that it keeps from job to job.

Tasks are drawn when a process is free, so that what is asked next can depend on what has come out so far.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from typing import Any, Generic, Protocol, TypeVar

from lab.errors import EnvironmentFailure, LabError

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


class Closable(Protocol):
    """What a process keeps from job to job."""

    def close(self) -> None: ...


class JobFailure(LabError):
    """A job ended in an exception that it should have turned into an outcome: a bug of the lab."""


# A task during which its process died is tried once more: the next one may have the memory.
TRIES = 2
DIED = "too little memory is the usual reason; try --jobs 1"


def spread(
    tasks: Iterable[Task],
    open_bench: Callable[[], Any],
    job: Callable[[Any, Task], Outcome],
    *,
    jobs: int,
    notify: Callable[[str], None] = lambda text: None,
    lost: Callable[[Task, str], Outcome] | None = None,
) -> Generator[tuple[Task, Outcome]]:
    """Outcomes as they come. `open_bench` and `job` must be functions of a module, for they travel to the processes.

    A process that dies costs its own task alone: `notify` says so, it is tried again in a new process, and when that
    dies too its outcome is what `lost` makes of task and reason; without `lost` that is an EnvironmentFailure.

    Closing the iterator ends jobs under way, and what they started is removed by their reapers. Raises LabError for
    what the processes could not do: a bench that does not open, a job that crashed.
    """
    waiting, workers = iter(tasks), _Workers(open_bench, job)
    try:
        for task in islice(waiting, jobs):
            workers.submit(task)
        while workers.busy:
            for future in wait(workers.busy, return_when=FIRST_COMPLETED).done:
                task, pool, tries = workers.busy.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool as error:
                    pool, why = None, f"its worker process died{' again' if tries > 1 else ''}: {DIED}"
                    if tries < TRIES:
                        notify(f"{task}: {why}; it is tried again")
                        workers.submit(task, tries=tries + 1)
                        continue
                    if lost is None:
                        raise EnvironmentFailure(f"a worker process died twice at the same task: {DIED}") from error
                    outcome = lost(task, why)
                # Passed on before the next task is drawn, which may depend on it.
                yield task, outcome
                for following in islice(waiting, 1):
                    workers.submit(following, pool)
    except BaseException:
        workers.let_go()
        raise
    finally:
        workers.close()


class _Workers(Generic[Task, Outcome]):
    """Pools of one process each, so that a death names its task; `busy`: task, pool and number of tries of each job."""

    def __init__(self, open_bench: Callable[[], Any], job: Callable[[Any, Task], Outcome]) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._theirs, self._ours = self._context.Pipe(duplex=False)
        self._open_bench, self._job = open_bench, job
        self._pools: list[ProcessPoolExecutor] = []
        self.busy: dict[Future[Outcome], tuple[Task, ProcessPoolExecutor | None, int]] = {}

    def submit(self, task: Task, pool: ProcessPoolExecutor | None = None, *, tries: int = 1) -> None:
        """On a process that is free, or a new one."""
        if pool is None:
            begin = (self._theirs, self._open_bench)
            pool = ProcessPoolExecutor(1, self._context, initializer=_begin, initargs=begin)
            self._pools.append(pool)
        self.busy[pool.submit(_work, self._job, task)] = task, pool, tries

    def let_go(self) -> None:
        """Ends the processes without waiting for their jobs."""
        self._ours.close()

    def close(self) -> None:
        for pool in self._pools:
            pool.shutdown()
        for end in (self._ours, self._theirs):
            end.close()


_open: Callable[[], Closable] | None = None
_bench: Closable | None = None


def _begin(lifeline: Connection, open_bench: Callable[[], Closable]) -> None:
    """In a process, once. Ctrl-C is the parent's business."""
    global _open
    _open = open_bench
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _work(job: Callable[[Any, Task], Outcome], task: Task) -> Outcome:
    global _bench
    try:
        if _bench is None:
            assert _open is not None
            _bench = _open()
            Finalize(None, _bench.close, exitpriority=0)
        return job(_bench, task)
    except LabError as error:
        plain = type(error).__init__ is LabError.__init__
        raise (type(error) if plain else LabError)(str(error)) from None
    except Exception:
        raise JobFailure(f"a job crashed, which is a bug of the lab:\n{traceback.format_exc()}") from None


def _end_with(lifeline: Connection) -> None:
    """A parent that was killed asks nobody to stop. The reaper then removes what this process had started."""
    with suppress(EOFError, OSError):
        lifeline.recv()
    os._exit(1)
