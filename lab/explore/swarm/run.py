"""The swarm as a whole: seeds spread over worker processes, outcomes as they come, and their summary."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from lab.explore.bench import BenchOpener
from lab.explore.swarm.seed import SeedOutcome, explore_seed, not_run
from lab.explore.workers import Engine, quiet
from lab.model.verdict import Verdict

UNKNOWN_SHARE_MAX = 0.05
name_of = "seed {}".format


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of all seeds that were run."""

    outcomes: tuple[SeedOutcome, ...]
    duration_s: float

    def count(self, verdict: Verdict) -> int:
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    @property
    def faults(self) -> Counter[str]:
        """How often each fault took part, and acted."""
        return Counter(fault for outcome in self.outcomes for fault in outcome.faults)

    @property
    def exit_code(self) -> int:
        """1 for any FAIL, 3 where nothing ran or too much was not judged, else 0."""
        if self.count(Verdict.FAIL):
            return 1
        unknown = len(self.outcomes) - self.count(Verdict.PASS)
        return 3 if not self.outcomes or unknown > UNKNOWN_SHARE_MAX * len(self.outcomes) else 0


def run_swarm(
    seeds: Iterable[int],
    open_bench: BenchOpener,
    engine: Engine,
    *,
    minutes: float | None,
    notify: Callable[[str], None] = quiet,
) -> Iterator[SeedOutcome]:
    """Outcomes in the order in which they come. After `minutes` no further seed is begun.

    A seed at which two worker processes died is UNKNOWN; `notify` hears of the first.
    """
    deadline = None if minutes is None else time.monotonic() + minutes * 60

    def due() -> Iterator[int]:
        for seed in seeds:
            if deadline is not None and time.monotonic() >= deadline:
                return
            yield seed

    with closing(engine(due(), open_bench, explore_seed, notify=notify, name=name_of, lost=not_run)) as explored:
        for _, outcome in explored:
            yield outcome
