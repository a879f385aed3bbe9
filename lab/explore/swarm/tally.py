"""What came of many seeds, counted as their outcomes come: none of them is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.errors import UsageError
from lab.explore.swarm.seed import SeedOutcome
from lab.model.verdict import Verdict

UNKNOWN_SHARE_MAX = 0.05
# Of faults and of checks, by their names.
NAMES_MAX = 10_000


@dataclass
class Tally:
    """Counts. `faults`: how often each took part, and acted; `failed`: the first check of each seed that failed."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    simulated_s: float = 0.0
    duration_s: float = 0.0

    def add(self, outcome: SeedOutcome) -> None:
        """Count one. Raises UsageError for more names than there can be."""
        self.verdicts[outcome.verdict] += 1
        self.faults.update(outcome.faults)
        self.failed.update(outcome.failed[:1])
        self.runs += outcome.runs
        self.simulated_s += outcome.simulated_s
        self.duration_s += outcome.duration_s
        if max(len(self.faults), len(self.failed)) > NAMES_MAX:
            raise UsageError(f"expected at most {NAMES_MAX} names of faults and of checks, got more")

    def add_missing(self, seeds: int) -> None:
        """Count so many of which nothing is known."""
        self.verdicts[Verdict.UNKNOWN] += seeds

    def doubt(self, outcome: SeedOutcome) -> None:
        """One that was added has no verdict after all; what it cost stays."""
        self.verdicts[outcome.verdict] -= 1
        self.verdicts[Verdict.UNKNOWN] += 1
        self.failed.subtract(outcome.failed[:1])

    @property
    def seeds(self) -> int:
        return self.verdicts.total()

    @property
    def exit_code(self) -> int:
        """1 for any FAIL, 3 where nothing ran or too much was not judged, else 0."""
        if self.verdicts[Verdict.FAIL]:
            return 1
        unknown = self.seeds - self.verdicts[Verdict.PASS]
        return 3 if not self.seeds or unknown > UNKNOWN_SHARE_MAX * self.seeds else 0


class SeedsDone:
    """Which of the seeds, a range, are done: a byte for each."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._seeds, self._done = seeds, bytearray(len(seeds))

    def add(self, seed: int) -> bool:
        """Whether it is one of them that was not done before."""
        if seed not in self._seeds or seed in self:
            return False
        self._done[self._seeds.index(seed)] = 1
        return True

    def __contains__(self, seed: int) -> bool:
        return bool(self._done[self._seeds.index(seed)])
