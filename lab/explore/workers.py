"""Runs many jobs on a few workers, each with a backend and a reaper of its own that it keeps from job to job.

Tasks are drawn when a worker is free, so that what is asked next can depend on what has come out so far.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from lab.errors import EnvironmentFailure

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

# A task during which its worker died is tried once more: the next one may have the memory.
TRIES = 2


def quiet(text: str) -> None:
    """Nobody is notified."""


class Opener(Protocol):
    """Opens a worker's bench, on this machine or another, and says what that works with."""

    def __call__(self) -> Any: ...

    def made_with(self, bench: Any, _: object) -> dict[str, str]: ...


class Engine(Protocol):
    """What has workers: processes of this machine (`processes.spread`), or a cluster's (`dask.engine`)."""

    def __call__(
        self,
        tasks: Iterable[Task],
        open_bench: Opener,
        job: Callable[[Any, Task], Outcome],
        *,
        notify: Callable[[str], None] = quiet,
        name: Callable[[Task], str] = str,
        lost: Callable[[Task, str], Outcome] | None = None,
    ) -> Generator[tuple[Task, Outcome]]:
        """Outcomes as they come. Opener and job travel to the workers by name: they must be a module's.

        A worker that dies costs its own task alone: `notify` says so, with the task's `name`, it is tried again on
        another, and when that dies too its outcome is what `lost` makes of task and reason; without `lost` that is an
        EnvironmentFailure.

        Closing the iterator ends jobs under way, and what they started is removed by their reapers. Raises LabError for
        what the workers could not do: a bench that does not open, a job that crashed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tried(Generic[Task]):
    """A task, and the number of the try."""

    task: Task
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Ended(Generic[Task]):
    """What became of a try: its outcome or, where its worker died, why there is none."""

    tried: Tried[Task]
    outcome: Any = None
    died: str | None = None


class Crew(Protocol[Task]):
    """The workers of an engine."""

    @property
    def free(self) -> Sequence[Any]:
        """Those that can be given a task."""
        ...

    @property
    def busy(self) -> bool:
        """Whether any is at a task."""
        ...

    def begin(self, worker: Any, job: Callable[[Any, Task], Any], tried: Tried[Task]) -> None:
        """Give a task to one that is free."""
        ...

    def wait(self) -> Sequence[Ended[Task]]:
        """Until something happens. Raises LabError of a task, or of the engine."""
        ...


@dataclass(frozen=True, slots=True)
class Deaths(Generic[Task, Outcome]):
    """What is done about a task whose worker died: the arguments of an Engine."""

    notify: Callable[[str], None]
    name: Callable[[Task], str]
    lost: Callable[[Task, str], Outcome] | None

    def again(self, tried: Tried[Task], why: str) -> bool:
        """Whether to try it once more, which is said. Raises EnvironmentFailure where it has no outcome either."""
        if tried.tries < TRIES:
            self.notify(f"{self.name(tried.task)}: {why}; it is tried again")
            return True
        if self.lost is None:
            raise EnvironmentFailure(f"{self.name(tried.task)}: tried twice; again {why}")
        return False

    def outcome(self, task: Task, why: str) -> Outcome:
        """Of one that is not tried again."""
        assert self.lost is not None
        return self.lost(task, f"tried twice; again {why}")


def work_through(
    crew: Crew[Task], tasks: Iterable[Task], job: Callable[[Any, Task], Outcome], deaths: Deaths[Task, Outcome]
) -> Generator[tuple[Task, Outcome]]:
    """Hand out the tasks and pass on what comes of each, until nothing is left."""
    waiting, again, more = iter(tasks), deque[Tried[Task]](), True
    while again or more or crew.busy:
        for worker in crew.free:
            again.extend(Tried(task) for task in islice(waiting, 0 if again else 1))
            more = bool(again)
            if not again:
                break
            crew.begin(worker, job, again.popleft())
        # Passed on before the next task is drawn, which may depend on it.
        for ended in crew.wait():
            if ended.died is None:
                yield ended.tried.task, ended.outcome
            elif deaths.again(ended.tried, ended.died):
                again.append(Tried(ended.tried.task, ended.tried.tries + 1))
            else:
                yield ended.tried.task, deaths.outcome(ended.tried.task, ended.died)
