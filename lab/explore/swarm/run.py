"""The swarm as a whole: seeds spread over worker processes, outcomes as they come, and their summary."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from lab.explore.bench import open_bench
from lab.explore.swarm.seed import SeedOutcome, explore_seed, not_run
from lab.explore.workers import spread
from lab.model.verdict import Verdict
from lab.session.under_test import SystemUnderTest

UNKNOWN_SHARE_MAX = 0.05


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
    *,
    run_id: str,
    system: SystemUnderTest,
    jobs: int,
    minutes: float | None,
    notify: Callable[[str], None] = lambda text: None,
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

    opened = partial(open_bench, run_id, system)
    exploring = spread(due(), opened, explore_seed, jobs=jobs, notify=lambda text: notify(f"seed {text}"), lost=not_run)
    with closing(exploring) as explored:
        for _, outcome in explored:
            yield outcome
