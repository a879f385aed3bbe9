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
from typing import Any, Protocol, TypeVar

from lab.errors import EnvironmentFailure, LabError

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


class Closable(Protocol):
    """What a process keeps from job to job."""

    def close(self) -> None: ...


class JobFailure(LabError):
    """A job ended in an exception that it should have turned into an outcome: a bug of the lab."""


def spread(
    tasks: Iterable[Task],
    open_bench: Callable[[], Any],
    job: Callable[[Any, Task], Outcome],
    *,
    jobs: int,
) -> Generator[tuple[Task, Outcome]]:
    """Outcomes as they come. `open_bench` and `job` must be functions of a module, for they travel to the processes.

    Closing the iterator ends jobs under way, and what they started is removed by their reapers. Raises LabError for
    what the processes could not do: a bench that does not open, a job that crashed, a process that died.
    """
    context = multiprocessing.get_context("spawn")
    waiting = iter(tasks)
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(theirs, open_bench))
    try:
        busy: dict[Future[Outcome], Task] = {pool.submit(_work, job, task): task for task in islice(waiting, jobs)}
        while busy:
            for future in wait(busy, return_when=FIRST_COMPLETED).done:
                # Passed on before the next task is drawn, which may depend on it.
                yield busy.pop(future), _outcome(future)
                for task in islice(waiting, 1):
                    busy[pool.submit(_work, job, task)] = task
    except BaseException:
        ours.close()
        raise
    finally:
        pool.shutdown()
        for end in (ours, theirs):
            end.close()


def _outcome(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise EnvironmentFailure(
            "a worker process died: too little memory is the usual reason; try --jobs 1"
        ) from error


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
