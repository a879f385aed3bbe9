"""A mutation run as a whole: mutants spread over worker processes, the order learnt on the way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from lab.deploy.vyper.source import project_root
from lab.environment import cache_folder
from lab.explore.mutate.fit import UnfitLibrary
from lab.explore.mutate.mutants import Mutant
from lab.explore.mutate.order import Order
from lab.explore.mutate.trial import (
    MUTANTS,
    MutantOutcome,
    MutantTask,
    MutationOpener,
    original_code,
    try_mutant,
)
from lab.explore.workers import Engine, quiet


def chosen(mutants: Sequence[Mutant], limit: int | None, seed: str) -> list[Mutant]:
    """All of them, or the sample that belongs to a seed."""
    if limit is None or limit >= len(mutants):
        return list(mutants)
    return sorted(random.Random(seed).sample(list(mutants), limit), key=mutants.index)


def run_mutation(
    mutants: Sequence[Mutant],
    open_bench: MutationOpener,
    engine: Engine,
    worth: Mapping[str, float],
    *,
    contract: Path,
    folder: Path,
    notify: Callable[[str], None] = quiet,
) -> Iterator[MutantOutcome]:
    """Outcomes in the order in which they come."""
    try:
        original = original_code(contract, folder, cache_folder() / MUTANTS)
    except ValueError as error:
        raise UnfitLibrary(f"{contract}: expected a contract that compiles, the compiler says: {error}") from error
    order, root = Order(worth), project_root(contract)

    def tasks() -> Iterator[MutantTask]:
        for mutant in mutants:
            yield MutantTask(mutant, mutant.file.relative_to(root), order.for_mutant(mutant), original)

    with closing(engine(tasks(), open_bench, try_mutant, notify=notify)) as tried:
        for task, outcome in tried:
            order.learn(task.mutant, outcome)
            yield outcome
