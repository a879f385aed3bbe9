"""A mutation run as a whole: mutants spread over worker processes, the order learnt on the way."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lab.deploy.deployer import Deployable
from lab.deploy.vyper.source import project_root, read_source
from lab.environment import cache_folder
from lab.errors import LabError
from lab.explore.bench import Bench, open_bench
from lab.explore.mutate.behaviour import Behaviours, behaviours, covering
from lab.explore.mutate.build import Workshop
from lab.explore.mutate.library import load_library
from lab.explore.mutate.mutants import Mutant
from lab.explore.mutate.order import Order
from lab.explore.mutate.trial import (
    MUTANTS,
    MutantOutcome,
    MutantTask,
    MutationOpener,
    original_code,
    to_deploy,
    try_mutant,
)
from lab.explore.progress import Report
from lab.explore.workers import Engine, quiet
from lab.model.verdict import Verdict
from lab.session.under_test import SystemUnderTest

# What a run written in Python is taken to show: what it compares is not in the history.
PYTHON_SHOWS = 200
SAME_SOURCE = "looks at the code, and not at what it does: the same source optimised otherwise"


class UnfitLibrary(LabError):
    """The original does not pass the library: killing its mutants would prove nothing."""

    exit_code = 3


def chosen(mutants: Sequence[Mutant], limit: int | None, seed: str) -> list[Mutant]:
    """All of them, or the sample that belongs to a seed."""
    if limit is None or limit >= len(mutants):
        return list(mutants)
    return sorted(random.Random(seed).sample(list(mutants), limit), key=mutants.index)


@dataclass(frozen=True, slots=True)
class FitRuns:
    """The library's runs that the original passes, with what each costs in seconds, and what each shows.

    `python` are those written in Python. `left_out` says which other runs there are, and why they are none of these.
    """

    costs: dict[str, float]
    shown: dict[str, Behaviours]
    python: tuple[str, ...]
    left_out: tuple[str, ...]

    def worth(self, names: Iterable[str]) -> dict[str, float]:
        """What each shows of the contract for its time. What runs in Python compares is not in the history: a guess."""
        shows = {name: len(self.shown[name]) + PYTHON_SHOWS * (name in self.python) for name in names}
        return {name: count / max(self.costs[name], 0.05) for name, count in shows.items()}

    def covering(self) -> dict[str, float]:
        """The costs of the fewest runs that show all that the library shows of the contract."""
        return {name: self.costs[name] for name in covering(self.shown, self.python)}


def fit_runs(system: SystemUnderTest, scenarios: Path, run_id: str, report: Report) -> FitRuns:
    """Run the library once on code that does what the original does. Raises UnfitLibrary where nothing passes.

    That code is a control: whatever fails on it would fail on any mutant, for it looks at the code or its source.
    """
    library = load_library(scenarios)
    costs: dict[str, float] = {}
    shown: dict[str, Behaviours] = {}
    left_out = list(library.left_out)
    with closing(open_bench(run_id, system)) as bench:
        control = _control(bench, system.contract)
        if control is None:
            left_out.append("no run for looking at the code alone: the compiler makes no other code of this source")
        for number, (name, entry) in enumerate(library.items.items()):
            report(number, name)
            begin = time.monotonic()
            try:
                result = bench.run(entry.item, target=control, play=entry.play)
                if result.verdict.verdict is Verdict.PASS:
                    costs[name] = time.monotonic() - begin
                    shown[name] = behaviours(result.history)
                    continue
                itself = bench.run(entry.item, play=entry.play) if control is not None else result
            except LabError as error:
                left_out.append(f"{name}: could not be run on the original: {error}")
                continue
            whose = "the original itself" if itself.verdict.verdict is not Verdict.PASS else SAME_SOURCE
            left_out.append(f"{name}: {whose} ends {result.verdict.verdict}: {result.verdict.reasons[0]}")
    if not costs:
        raise UnfitLibrary(
            f"{system.contract}: expected at least one scenario of {scenarios} to pass on the original, none did"
        )
    python = tuple(name for name in costs if library.items[name].play is not None)
    return FitRuns(costs, shown, python, tuple(left_out))


def _control(bench: Bench, contract: Path) -> Deployable | None:
    """The contract under test with other code that does the same."""
    workshop = Workshop(read_source(contract), bench.folder / "control", cache_folder() / MUTANTS)
    build = workshop.control()
    return to_deploy(bench.suite, workshop.contract(build)) if build is not None else None


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
