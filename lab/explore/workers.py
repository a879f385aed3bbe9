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
from contextlib import closing, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, TypeVar

from lab.errors import EnvironmentFailure, LabError

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
JOIN_S = 10.0


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

    Closing the iterator lets jobs under way go, and what they started is removed by their reapers. Raises LabError for
    what the processes could not do: a bench that does not open, a job that crashed, a process that died.
    """
    context = multiprocessing.get_context("spawn")
    waiting = iter(tasks)
    busy: dict[Connection, tuple[BaseProcess, Task]] = {}
    idle: list[tuple[Connection, BaseProcess]] = []
    try:
        for _ in range(jobs):
            task = next(waiting, None)
            if task is None:
                break
            ours, theirs = context.Pipe()
            process: BaseProcess = context.Process(target=_work, args=(theirs, open_bench, job), daemon=True)
            process.start()
            theirs.close()
            ours.send(task)
            busy[ours] = (process, task)
        while busy:
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                worker, task = busy.pop(connection)
                outcome = _receive(connection, worker)
                # Told before the next task is drawn, which may depend on it.
                yield task, outcome
                following = next(waiting, None)
                if following is None:
                    idle.append((connection, worker))
                else:
                    connection.send(following)
                    busy[connection] = (worker, following)
        for connection, _ in idle:
            with suppress(OSError):
                connection.send(None)
        for _, worker in idle:
            worker.join(JOIN_S)
    finally:
        for worker in [worker for worker, _ in busy.values()] + [worker for _, worker in idle]:
            if worker.is_alive():
                worker.terminate()


def _receive(connection: Connection, process: BaseProcess) -> Any:
    try:
        kind, value = connection.recv()
    except (EOFError, OSError) as error:
        process.join(JOIN_S)
        raise EnvironmentFailure(
            f"a worker process died (exit code {process.exitcode}): too little memory is the usual reason; try --jobs 1"
        ) from error
    if kind == "error":
        raise value
    if kind == "crash":
        raise JobFailure(f"a job crashed, which is a bug of the lab:\n{value}")
    return value


def _work(connection: Connection, open_bench: Callable[[], Closable], job: Callable[[Any, Any], Any]) -> None:
    """The life of a worker process. Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with closing(open_bench()) as bench:
            while (task := connection.recv()) is not None:
                connection.send(("outcome", job(bench, task)))
    except (EOFError, BrokenPipeError):
        pass
    except LabError as error:
        connection.send(("error", type(error)(str(error)) if type(error).__init__ is LabError.__init__ else
                         LabError(str(error))))  # fmt: skip
    except Exception:
        connection.send(("crash", traceback.format_exc()))


def _end_with_parent() -> None:
    """A parent that was killed asks nobody to stop. The reaper then removes what this process had started."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
