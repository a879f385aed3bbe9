"""The engine of this machine: a few processes, each with a bench."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator, Iterable, Sequence
from multiprocessing.connection import wait
from typing import Any, Generic, TypeVar

from lab.explore.bench_process import BenchProcess, ProcessDied, outcome_of
from lab.explore.workers import Deaths, Ended, Tried, quiet, work_through

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
DIED = "its worker process died (too little memory is the usual reason; try --jobs 1)"


def spread(
    tasks: Iterable[Task],
    open_bench: Callable[[], Any],
    job: Callable[[Any, Task], Outcome],
    *,
    jobs: int,
    notify: Callable[[str], None] = quiet,
    name: Callable[[Task], str] = str,
    lost: Callable[[Task, str], Outcome] | None = None,
) -> Generator[tuple[Task, Outcome]]:
    """An Engine with at most so many `jobs` at once."""
    crew = _Processes[Task](open_bench, jobs)
    try:
        yield from work_through(crew, tasks, job, Deaths(notify, name, lost))
    except BaseException:
        crew.kill()
        raise
    crew.close()


class _Processes(Generic[Task]):
    """Started one by one, when there is a task for them."""

    def __init__(self, open_bench: Callable[[], Any], jobs: int) -> None:
        self._open_bench, self._jobs = pickle.dumps(open_bench), jobs
        self._idle: list[BenchProcess] = []
        self._busy: dict[object, tuple[BenchProcess, Tried[Task]]] = {}

    @property
    def free(self) -> Sequence[BenchProcess | None]:
        """None stands for one that is not started yet."""
        return [*self._idle, *[None] * (self._jobs - len(self._idle) - len(self._busy))]

    @property
    def busy(self) -> bool:
        return bool(self._busy)

    def begin(self, worker: BenchProcess | None, job: Callable[[Any, Task], Any], tried: Tried[Task]) -> None:
        if worker is None:
            worker = BenchProcess(self._open_bench)
        else:
            self._idle.remove(worker)
        self._busy[worker.connection] = worker, tried
        worker.submit(pickle.dumps((job, tried.task)))

    def wait(self) -> Sequence[Ended[Task]]:
        connections = [process.connection for process, _ in self._busy.values()]
        return [self._ended(connection) for connection in (wait(connections) if connections else ())]

    def _ended(self, connection: object) -> Ended[Task]:
        process, tried = self._busy.pop(connection)
        try:
            reply = process.reply()
        except ProcessDied:
            process.kill()
            return Ended(tried, died=DIED)
        self._idle.append(process)
        return Ended(tried, outcome_of(reply))

    def close(self) -> None:
        for process in self._idle:
            process.close()

    def kill(self) -> None:
        for process in (*self._idle, *(process for process, _ in self._busy.values())):
            process.kill()
