"""A mutation run as a whole: mutants spread over worker processes, the order learnt on the way."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from lab.errors import LabError
from lab.explore.bench import open_bench
from lab.explore.mutate.library import load_library
from lab.explore.mutate.mutants import Mutant
from lab.explore.mutate.order import Order
from lab.explore.mutate.trial import MutantOutcome, MutantTask, open_mutation_bench, original_code, try_mutant
from lab.explore.workers import spread
from lab.model.verdict import Verdict

SAMPLE_SEED = 20261124


class UnfitLibrary(LabError):
    """The original does not pass the library: killing its mutants would prove nothing."""

    exit_code = 3


def chosen(mutants: Sequence[Mutant], limit: int | None) -> list[Mutant]:
    """All of them, or a sample that is the same each time."""
    if limit is None or limit >= len(mutants):
        return list(mutants)
    return sorted(random.Random(SAMPLE_SEED).sample(list(mutants), limit), key=mutants.index)


def fit_runs(contract: Path, scenarios: Path, run_id: str) -> tuple[dict[str, float], tuple[str, ...]]:
    """The library's runs that the original passes, with what each costs in seconds; and what was left out, and why."""
    library = load_library(scenarios)
    costs: dict[str, float] = {}
    left_out = list(library.left_out)
    with closing(open_bench(run_id, contract)) as bench:
        for name, entry in library.items.items():
            begin = time.monotonic()
            verdict = bench.run(entry.item, play=entry.play).verdict
            if verdict.verdict is Verdict.PASS:
                costs[name] = time.monotonic() - begin
            else:
                left_out.append(f"{name}: the original itself ends {verdict.verdict}: {verdict.reasons[0]}")
    if not costs:
        raise UnfitLibrary(
            f"{contract}: expected at least one scenario of {scenarios} to pass on the original, none did"
        )
    return costs, tuple(left_out)


def run_mutation(
    mutants: Sequence[Mutant],
    contract: Path,
    scenarios: Path,
    costs: dict[str, float],
    *,
    run_id: str,
    cache_dir: Path,
    folder: Path,
    jobs: int,
) -> Iterator[MutantOutcome]:
    """Outcomes in the order in which they come."""
    try:
        original = original_code(contract, folder, cache_dir)
    except ValueError as error:
        raise UnfitLibrary(f"{contract}: expected a contract that compiles, the compiler says: {error}") from error
    order = Order(costs, costs)

    def tasks() -> Iterator[MutantTask]:
        for mutant in mutants:
            yield MutantTask(mutant, order.for_mutant(mutant), original)

    opened = partial(open_mutation_bench, run_id, contract, scenarios, cache_dir)
    with closing(spread(tasks(), opened, try_mutant, jobs=jobs)) as found:
        for task, outcome in found:
            order.learn(task.mutant, outcome)
            yield outcome
