"""The workers of a cluster that take part in a run, and what each of them is at.

A task is bound to its worker, so that a worker that dies costs that task alone, and is named. A worker takes part once
its versions are known to be those of this machine; workers may come and go while there is work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from lab.errors import EnvironmentFailure
from lab.explore.dask import hosting
from lab.explore.dask.cluster import Arrival, Cluster, ClusterLost
from lab.explore.journal import differences
from lab.explore.workers import Ended, Opener, Tried

Task = TypeVar("Task")
# How often to look which workers there are, and for how long to do without any.
LOOK_EVERY_S = 1.0
WORKER_WITHIN_S = 60.0
DIED = "died (too little memory is the usual reason)"


@dataclass(slots=True)
class Usage:
    """Where the workers' time went: `working_s` of `there_s`, which counts from when a worker was first seen."""

    workers: int = 0
    working_s: float = 0.0
    there_s: float = 0.0

    def __str__(self) -> str:
        share = f", {self.working_s / self.there_s:.0%} of their time in tasks" if self.there_s else ""
        return f"{self.workers} took part{share}"


@dataclass(eq=False, slots=True)
class Member(Generic[Task]):
    """A worker that takes part, or asks to. `request` is what it has not answered yet; one that joins has no task."""

    address: str
    label: str
    since_s: float
    request: int | None = None
    tried: Tried[Task] | None = None
    joined: bool = False


@dataclass(slots=True)
class Members(Generic[Task]):
    """`usage` is kept up to date as they leave."""

    cluster: Cluster
    open_bench: Opener
    made_with: dict[str, str]
    usage: Usage
    notify: Callable[[str], None]
    _members: dict[str, Member[Task]] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)
    _look_s: float = 0.0
    _seen_s: float | None = None

    @property
    def free(self) -> list[Member[Task]]:
        return [member for member in self._members.values() if member.request is None]

    @property
    def busy(self) -> bool:
        return any(member.tried is not None for member in self._members.values())

    def begin(self, worker: Member[Task], job: Callable[[Any, Task], Any], tried: Tried[Task]) -> None:
        worker.tried = tried
        worker.request = self.cluster.ask(worker.address, hosting.work, (job, tried.task))

    def wait(self) -> Sequence[Ended[Task]]:
        """For at most a second. Raises ClusterLost, EnvironmentFailure where no worker fits, LabError of a task."""
        if time.monotonic() >= self._look_s and (ended := self._look()):
            return ended
        arrival = self.cluster.arrival(LOOK_EVERY_S)
        member = self._members.get(arrival.address) if arrival is not None else None
        if arrival is None or member is None or member.request != arrival.number:
            return []
        tried, member.request, member.tried = member.tried, None, None
        if tried is None:
            self._admit(member, arrival)
            return []
        if arrival.died:
            # With another process, whose bench is opened anew.
            self._join(member)
            return [Ended(tried, died=f"its process on worker {member.label} {DIED}")]
        if arrival.error is not None:
            raise arrival.error
        self.usage.working_s += arrival.seconds
        return [Ended(tried, arrival.outcome)]

    def close(self) -> None:
        """Nothing more is asked of them."""
        for address in list(self._members):
            self._leave(address)

    def _look(self) -> list[Ended[Task]]:
        """Those who came join, those who went leave, with their tasks."""
        now_s = time.monotonic()
        self._look_s = now_s + LOOK_EVERY_S
        there = self.cluster.workers()
        for address in there.keys() - self._members.keys() - self._refused.keys():
            self._members[address] = Member(address, there[address], now_s)
            self._join(self._members[address])
        gone = [self._leave(address) for address in self._members.keys() - there.keys()]
        if self._members:
            self._seen_s = now_s
        else:
            self._do_without(now_s)
        return [
            Ended(member.tried, died=f"worker {member.label} {DIED}") for member in gone if member.tried is not None
        ]

    def _do_without(self, now_s: float) -> None:
        """There is no worker, or none that fits."""
        if self._seen_s is None:
            self._seen_s = now_s
            self.notify(f"waiting for a worker at {self.cluster.address}")
        if self._refused and not self.usage.workers:
            raise EnvironmentFailure(f"{self.cluster.address}: none of its workers can take part, as said above")
        if now_s - self._seen_s > WORKER_WITHIN_S:
            raise ClusterLost(
                f"the Dask scheduler at {self.cluster.address} has had no worker for {WORKER_WITHIN_S:g} s"
                f"{' that can take part' if self._refused else ''}; start one with `dask worker {self.cluster.address} "
                "--nthreads 1`"
            )

    def _join(self, member: Member[Task]) -> None:
        member.request = self.cluster.ask(
            member.address, hosting.join, self.open_bench, (self.open_bench.made_with, None)
        )

    def _admit(self, member: Member[Task], arrival: Arrival) -> None:
        """A worker that says what it works with."""
        if arrival.died:
            why = f"its process {DIED}"
        elif arrival.error is not None:
            why = str(arrival.error)
        else:
            why = "; ".join(differences(self.made_with, arrival.outcome, " here", " there"))
        if why:
            self._leave(member.address)
            self._refused[member.address] = why
            self.notify(f"worker {member.label} cannot take part: {why}")
        elif not member.joined:
            member.joined = True
            self.usage.workers += 1

    def _leave(self, address: str) -> Member[Task]:
        member = self._members.pop(address)
        self.usage.there_s += time.monotonic() - member.since_s
        return member
