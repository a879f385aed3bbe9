"""The engine of many machines: the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

from lab.explore.dask.cluster import connected
from lab.explore.dask.members import Members, Usage
from lab.explore.workers import Deaths, Opener, quiet, work_through

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class DaskEngine:
    """The cluster of the scheduler at `address`. Only workers that were `made_with` the same take part."""

    address: str
    run_id: str
    made_with: dict[str, str]
    usage: Usage = field(default_factory=Usage)

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
        """An Engine. Raises ClusterLost where the scheduler ends, or there is no worker for a while."""
        waiting = iter(tasks)
        for first in waiting:
            with connected(self.address, self.run_id) as cluster:
                members = Members[Task](cluster, open_bench, self.made_with, self.usage, notify)
                try:
                    yield from work_through(members, chain([first], waiting), job, Deaths(notify, name, lost))
                finally:
                    members.close()
