"""What goes wrong at explorers, on demand: waiting, limits, errors, and sources that are not those of the contract."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from threading import Lock

from lab.live.explorer.judge import Submission


@dataclass(slots=True)
class ExplorerFaults:
    """Counts go down as they are used up.

    `pending` answers say wait, `busy` ones are HTTP 429, `broken` ones HTTP 503, `not_indexed` ones do not know the
    address yet. `altered` changes one byte of the main source.
    """

    pending: int = 0
    busy: int = 0
    broken: int = 0
    not_indexed: int = 0
    altered: bool = False
    other_compiler: str | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def take(self, kind: str) -> bool:
        """Whether the fault happens now; it is used up by one."""
        with self._lock:
            left = int(getattr(self, kind))
            if left > 0:
                setattr(self, kind, left - 1)
            return left > 0

    def played(self, given: Submission) -> Submission:
        """The submission as this explorer takes it."""
        if self.altered:
            changed = copy.deepcopy(given.standard_json)
            source = changed["sources"][given.path]
            source["content"] = _one_digit_changed(str(source["content"]))
            changed.pop("integrity", None)
            source.pop("sha256sum", None)
            given = replace(given, standard_json=changed)
        return replace(given, version=self.other_compiler) if self.other_compiler else given


def _one_digit_changed(source: str) -> str:
    """One byte of a revert text: the smallest change that the compiler notices."""
    start = source.find('"Invalid')
    return source[: start + 1] + "J" + source[start + 2 :] if start >= 0 else source + "\n"
