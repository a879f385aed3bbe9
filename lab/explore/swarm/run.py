"""The swarm as a whole: seeds spread over worker processes, outcomes as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from lab.explore.bench import BenchOpener
from lab.explore.swarm.seed import SeedOutcome, explore_seed, not_run
from lab.explore.workers import Engine, quiet

name_of = "seed {}".format


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
