"""The parts of a run's evidence as far as they can be read: for its page, and for lists of runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from lab.errors import LabError
from lab.evidence.manifest import RunManifest
from lab.model.history import History
from lab.model.verdict import RunVerdict, Verdict
from lab.report.evidence.runs import fails_again
from lab.report.records.folder import Folder, message_of

T = TypeVar("T")
# What readers and drawings raise for evidence that is not what it should be.
UNREADABLE = (LabError, OSError, ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True, slots=True)
class RunParts:
    """`unreadable` says why a part is None; a manifest that cannot be read is an empty one."""

    folder: str
    verdict: RunVerdict | None
    made: RunManifest
    history: History | None
    unreadable: tuple[str, ...]
    ended: bool
    failed: bool

    @property
    def state(self) -> Verdict:
        """The verdict; without one FAIL where any part of the evidence says so."""
        return self.verdict.verdict if self.verdict else Verdict.FAIL if self.failed else Verdict.UNKNOWN

    @property
    def item(self) -> str:
        """The run's own name, or that of its folder."""
        return self.verdict.item if self.verdict else self.made.item or self.folder


def read_parts(folder: Folder, *, with_history: bool = True) -> RunParts:
    """Never raises for bad evidence. Messages do not name the folder, which is where the reader is."""
    unreadable: list[str] = []

    def read(part: Callable[[], T]) -> T | None:
        try:
            return part()
        except UNREADABLE as error:
            unreadable.append(message_of(error, folder.path))
            return None

    verdict = read(folder.verdict)
    made = RunManifest.read(read(folder.manifest))
    history = read(folder.history) if with_history else None
    ended, failed = bool(read(folder.ended)), bool(read(folder.failed))
    failed = failed or (bool(unreadable) and fails_again(folder))
    return RunParts(folder.path.name, verdict, made, history, tuple(unreadable), ended, failed)
