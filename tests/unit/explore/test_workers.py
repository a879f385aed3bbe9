"""Worker processes: outcomes of all tasks, benches opened once each and closed, failures told as what they are."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from lab.errors import EnvironmentFailure, UsageError
from lab.explore.bench_process import JobFailure
from lab.explore.processes import spread


@dataclass
class Bench:
    """Notes when it is closed."""

    folder: Path

    def close(self) -> None:
        """Leave a mark."""
        (self.folder / f"closed-{os.getpid()}").touch()


def opened(folder: Path) -> Bench:
    """Leaves a mark, too."""
    (folder / f"opened-{os.getpid()}").touch()
    return Bench(folder)


def refused(folder: Path) -> Bench:
    """Cannot be opened."""
    raise UsageError(f"no bench in {folder.name}")


def square(bench: Bench, number: int) -> int:
    """A job."""
    return number * number


def crash(bench: Bench, number: int) -> int:
    """A job with a bug."""
    return 1 // (number - 3)


def die(bench: Bench, number: int) -> int:
    """A job whose process dies."""
    os._exit(9)


def die_at_first(bench: Bench, number: int) -> int:
    """A job whose process dies the first time, at every third task."""
    mark = bench.folder / f"died-{number}"
    if number % 3 == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def die_at_three(bench: Bench, number: int) -> int:
    """A job whose process dies at one task, whenever it is tried."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def test_a_process_that_dies_costs_its_own_task_alone(tmp_path: Path) -> None:
    """Tried again it ends like the others; each death is said."""
    said: list[str] = []
    done = dict(spread(range(7), partial(opened, tmp_path), die_at_first, jobs=2, notify=said.append))
    assert done == {number: number * number for number in range(7)}
    assert sorted(text.split(":")[0] for text in said) == ["0", "3", "6"]
    assert all("its worker process died" in text and "it is tried again" in text for text in said)


def test_a_task_at_which_two_processes_died_has_what_its_caller_makes_of_it(tmp_path: Path) -> None:
    """The rest has its outcomes, and the loss is said to the caller, never left out."""
    running = spread(
        range(7), partial(opened, tmp_path), die_at_three, jobs=2, lost=lambda task, why: -1 if "again" in why else 0
    )
    assert dict(running) == {number: -1 if number == 3 else number * number for number in range(7)}


def test_every_task_has_its_outcome(tmp_path: Path) -> None:
    """Ten tasks on at most two processes, each with one bench."""
    found = dict(spread(range(10), partial(opened, tmp_path), square, jobs=2))
    assert found == {number: number * number for number in range(10)}
    names = [path.name.split("-") for path in tmp_path.iterdir()]
    opened_by, closed_by = ({number for kind, number in names if kind == which} for which in ("opened", "closed"))
    assert opened_by == closed_by
    assert 1 <= len(opened_by) <= 2


def test_tasks_are_drawn_when_they_are_needed(tmp_path: Path) -> None:
    """What comes out first can decide what is asked next."""
    outcomes: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(6):
            yield number + 100 * len(outcomes)

    for _, outcome in spread(tasks(), partial(opened, tmp_path), square, jobs=1):
        outcomes.append(outcome)
    assert outcomes[0] == 0
    assert outcomes[-1] > 250_000


@pytest.mark.parametrize(
    ("bench", "job", "failure", "words"),
    [
        (opened, crash, JobFailure, "ZeroDivisionError"),
        (opened, die, EnvironmentFailure, "worker process died"),
        (refused, square, UsageError, "no bench in"),
    ],
)
def test_failures_reach_the_caller(
    tmp_path: Path,
    bench: Callable[[Path], Bench],
    job: Callable[[Bench, int], int],
    failure: type[Exception],
    words: str,
) -> None:
    """A bug with its trace, a death as one, an error as itself."""
    with (
        pytest.raises(failure, match=words),
        closing(spread(range(5), partial(bench, tmp_path), job, jobs=1)) as found,
    ):
        list(found)
