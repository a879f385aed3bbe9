"""What every procedure is handed: the chains, what is declared of them, a clock, and the folder of its records."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lab.errors import UsageError
from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import Journal
from lab.live.journaling.side_by_side import side_by_side
from lab.live.journaling.undertaking import Notify
from lab.ops.chain import OperatedChain
from lab.ops.declared import Declared


@dataclass(frozen=True, slots=True)
class OpsDesk:
    """What the sender of a procedure's calls writes to. Procedures create no contracts."""

    journal: Journal
    notify: Notify
    bytecode: str = ""


class Everywhere(Protocol):
    """Runs one task for each chain, all of them at once; their results by the name of the chain."""

    def __call__(self, tasks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """Returns once all have ended."""


def in_threads(tasks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Each in a thread of its own, in real time."""
    return dict(zip(tasks, side_by_side(list(tasks.values())), strict=True))


@dataclass(frozen=True, slots=True)
class Timing:
    """How time passes: real, or a run's own. `unix` counts seconds."""

    waiting: Waiting
    unix: Callable[[], float] = field(default=time.time)
    everywhere: Everywhere = field(default=in_threads)


@dataclass(frozen=True, slots=True)
class Operation:
    """A deployment that is operated. `who` is the person or program that asked, for the audit log.

    `absent`: networks of it where there is nothing to operate, and why; they hold no other up, and are reported.
    """

    name: str
    chains: tuple[OperatedChain, ...]
    declared: Mapping[str, Declared]
    timing: Timing
    folder: Path
    who: str
    notify: Notify
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def chain_ids(self) -> dict[str, int]:
        """The id of each chain, by its name."""
        return {chain.name: chain.chain_id for chain in self.chains}

    def select(self, only: tuple[str, ...]) -> tuple[OperatedChain, ...]:
        """The chains of these names, all for none. Raises UsageError for a name that is not there."""
        names = [*(chain.name for chain in self.chains), *self.absent]
        for name in only:
            if name not in names:
                raise UsageError(f"expected one of {', '.join(names)}, got {name!r}")
        return tuple(chain for chain in self.chains if not only or chain.name in only)
