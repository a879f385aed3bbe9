"""What of the library judges a mutant: the runs that code which does what the original does passes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from lab.deploy.deployer import Deployable
from lab.deploy.vyper.source import read_source
from lab.environment import cache_folder
from lab.errors import LabError
from lab.explore.bench import Bench
from lab.explore.mutate.behaviour import Behaviours, behaviours, covering
from lab.explore.mutate.build import Workshop
from lab.explore.mutate.library import Library, load_library
from lab.explore.mutate.trial import MUTANTS, MutationOpener, chosen_scenarios, to_deploy
from lab.explore.processes import spread
from lab.explore.progress import Report
from lab.model.verdict import Verdict
from lab.paths import real_path

# What a run written in Python is taken to show: what it compares is not in the history.
PYTHON_SHOWS = 200
SAME_SOURCE = "looks at the code, and not at what it does: the same source optimised otherwise"
NO_CONTROL = "no run for looking at the code alone: the compiler makes no other code of this source"


class UnfitLibrary(LabError):
    """The original does not pass the library: killing its mutants would prove nothing."""

    exit_code = 3


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


@dataclass(frozen=True, slots=True)
class Fit:
    """Of one run: its cost in seconds and what it shows where it is fit to judge a mutant, else why it is not."""

    controlled: bool
    cost_s: float = 0.0
    shown: Behaviours = frozenset()
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class FitBench:
    """A worker's bench and library, with the control to run that on."""

    bench: Bench
    library: Library
    control: Deployable | None

    def close(self) -> None:
        self.bench.close()


@dataclass(frozen=True, slots=True)
class FitOpener:
    """Opens a worker's bench."""

    opener: MutationOpener

    def __call__(self) -> FitBench:
        tools = self.opener()
        return FitBench(tools.bench, tools.library, _control(tools.bench))


def fit_runs(opener: MutationOpener, report: Report, jobs: int) -> FitRuns:
    """Run the library once on code that does what the original does. Raises UnfitLibrary where nothing passes.

    That code is a control: whatever fails on it would fail on any mutant, for it looks at the code or its source.
    """
    scenarios = chosen_scenarios(opener.scenarios)
    library = load_library(real_path(scenarios))
    outcomes: dict[str, Fit] = {}
    with closing(spread(library.items, FitOpener(opener), try_control, jobs=jobs)) as tried:
        for number, (name, fit) in enumerate(tried, start=1):
            report(number, name)
            outcomes[name] = fit
    fits = {name: fit for name in library.items if not (fit := outcomes[name]).left_out}
    bare = () if all(fit.controlled for fit in outcomes.values()) else (NO_CONTROL,)
    if not fits:
        raise UnfitLibrary(f"{scenarios}: expected at least one scenario that passes on the original, none did")
    return FitRuns(
        costs={name: fit.cost_s for name, fit in fits.items()},
        shown={name: fit.shown for name, fit in fits.items()},
        python=tuple(name for name in fits if library.items[name].play is not None),
        left_out=(*library.left_out, *bare, *(outcomes[name].left_out for name in library.items if name not in fits)),
    )


def try_control(tools: FitBench, name: str) -> Fit:
    """Run it on the control and, where that does not pass, on the original."""
    bench, entry, controlled = tools.bench, tools.library.items[name], tools.control is not None
    begin = time.monotonic()
    try:
        result = bench.run(entry.item, target=tools.control, play=entry.play)
        if result.verdict.verdict is Verdict.PASS:
            return Fit(controlled, time.monotonic() - begin, behaviours(result.history))
        itself = bench.run(entry.item, play=entry.play) if controlled else result
    except LabError as error:
        return Fit(controlled, left_out=f"{name}: could not be run on the original: {error}")
    whose = "the original itself" if itself.verdict.verdict is not Verdict.PASS else SAME_SOURCE
    return Fit(controlled, left_out=f"{name}: {whose} ends {result.verdict.verdict}: {result.verdict.reasons[0]}")


def _control(bench: Bench) -> Deployable | None:
    """The contract under test with other code that does the same."""
    source = read_source(bench.suite.system.contract)
    workshop = Workshop(source, bench.folder / "control", cache_folder() / MUTANTS)
    build = workshop.control()
    return to_deploy(bench.suite, workshop.contract(build)) if build is not None else None
