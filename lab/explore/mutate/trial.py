"""One mutant against the library: compiled, then run scenario by scenario until one of them fails."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from lab.deploy.compiled import CompiledContract
from lab.deploy.deployer import Deployable, deployable
from lab.deploy.vyper.source import read_source
from lab.environment import cache_folder
from lab.errors import DeployFailure, UsageError
from lab.explore.bench import Bench, explored_system, open_bench
from lab.explore.journal import made_with
from lab.explore.mutate.build import Workshop
from lab.explore.mutate.library import Library, load_library, python_files
from lab.explore.mutate.mutants import Mutant
from lab.model.verdict import RunVerdict, Verdict
from lab.paths import SCENARIOS, real_path
from lab.scenario.finding import files_below
from lab.session.suite import Suite
from lab.session.under_test import SystemUnderTest

# Without --scenarios: the folder of the user's own, or else the lab's library.
OWN = Path("scenarios")
# The folder of compiled mutants in the user's cache.
MUTANTS = "mutants"
Status = Literal["killed", "survived", "equivalent", "refused"]


@dataclass(frozen=True, slots=True)
class MutantTask:
    """A mutant, and the names of the scenarios in the order in which they are to be tried.

    `place` is that of its file in the contract's project, wherever that lies on the machine that tries it.
    """

    mutant: Mutant
    place: Path
    order: tuple[str, ...]
    original: str

    def __str__(self) -> str:
        return f"mutant {self.mutant.key}"


@dataclass(frozen=True, slots=True)
class MutantOutcome:
    """What became of a mutant. `check` is what failed; `doubted` are scenarios that ended neither PASS nor FAIL."""

    key: str
    status: Status
    scenario: str | None = None
    check: str | None = None
    why: str = ""
    doubted: tuple[str, ...] = ()
    runs: int = 0
    compile_s: float = 0.0
    run_s: float = 0.0


@dataclass(frozen=True, slots=True)
class MutationBench:
    """A worker's backend, its copy of the sources, and the library."""

    bench: Bench
    workshop: Workshop
    library: Library

    def close(self) -> None:
        self.bench.close()


@dataclass(frozen=True, slots=True)
class MutationOpener:
    """Opens a worker's bench; contract and scenarios are as the command line has them."""

    run_id: str
    contract: Path | None
    scenarios: Path | None

    def __call__(self) -> MutationBench:
        scenarios = chosen_scenarios(self.scenarios)
        system = mutated_system(self.contract, scenarios)
        source, library = read_source(system.contract), load_library(real_path(scenarios))
        bench = open_bench(self.run_id, system)
        return MutationBench(bench, Workshop(source, bench.folder, cache_folder() / MUTANTS), library)

    def made_with(self, tools: MutationBench, _: object) -> dict[str, str]:
        """The versions there."""
        return made_with(tools.bench.suite.target, scenario_files(chosen_scenarios(self.scenarios)))


def chosen_scenarios(scenarios: Path | None) -> Path:
    """The folder of the scenarios to run. Raises UsageError where there is none."""
    folder = scenarios or (OWN if OWN.is_dir() else SCENARIOS)
    if not folder.is_dir():
        raise UsageError(f"{folder}: expected the folder of the scenarios, found nothing there; see --scenarios")
    return folder


def scenario_files(scenarios: Path) -> list[Path]:
    """What outcomes depend on, in order; of Python what Python scenarios stand in."""
    return sorted([*files_below(scenarios), *python_files(scenarios)])


def mutated_system(contract: Path | None, scenarios: Path) -> SystemUnderTest:
    """The system whose contract is mutated."""
    system = explored_system(contract, [scenarios])
    return replace(system, contract=real_path(system.contract))


def try_mutant(tools: MutationBench, task: MutantTask) -> MutantOutcome:
    """Compile it and run the library until the first FAIL. A mutant with the original's code is no mutant."""
    begin = time.monotonic()
    build = tools.workshop.build(tools.workshop.file_at(task.place), task.mutant.source)
    compile_s = time.monotonic() - begin
    if build.refused is not None:
        return MutantOutcome(task.mutant.key, "refused", why=build.refused, compile_s=compile_s)
    if build.bytecode == task.original:
        return MutantOutcome(
            task.mutant.key, "equivalent", why="compiles to the original's bytecode", compile_s=compile_s
        )
    target = to_deploy(tools.bench.suite, tools.workshop.contract(build))
    begin, doubted = time.monotonic(), list[str]()
    for number, name in enumerate(task.order, start=1):
        entry = tools.library.items[name]
        try:
            result = tools.bench.run(entry.item, target=target, play=entry.play)
            failure = _failure(result.verdict)
        except DeployFailure as error:
            failure = "deployment", str(error)
        except Exception as error:
            # A mutant may answer as no contract should: a run that breaks on that has noticed something, not judged it.
            failure = None
            doubted.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")
        else:
            if failure is None and result.verdict.verdict is not Verdict.PASS:
                doubted.append(f"{name}: {'; '.join(result.verdict.reasons)[:200]}")
        if failure is not None:
            check, why = failure
            outcome = MutantOutcome(task.mutant.key, "killed", name, check, why[:300], runs=number)
            break
    else:
        outcome = MutantOutcome(task.mutant.key, "survived", runs=len(task.order))
    return replace(outcome, doubted=tuple(doubted), compile_s=compile_s, run_s=time.monotonic() - begin)


def to_deploy(suite: Suite, contract: CompiledContract) -> Deployable:
    """Another code of the contract under test, to be run as that is, within the limits learnt of that."""
    original, proxied = suite.target, suite.target.proxied
    proxy = proxied.proxy if proxied is not None else None
    other = deployable(contract, suite.system.names, reference=original.reference, proxy=proxy)
    return replace(other, limits=original.limits)


def _failure(verdict: RunVerdict) -> tuple[str, str] | None:
    """What failed and why; None where nothing did. A check names more than an expectation does, so it goes first."""
    if verdict.verdict is not Verdict.FAIL:
        return None
    check = next((result for result in verdict.checks if result.verdict is Verdict.FAIL), None)
    if check is not None:
        return check.check, check.reason
    return "expectation", verdict.reasons[0]


@lru_cache(maxsize=1)
def original_code(contract: Path, folder: Path, cache_dir: Path) -> str:
    """The contract's own code, compiled as mutants are. Raises ValueError where it does not compile."""
    source = read_source(contract)
    build = Workshop(source, folder, cache_dir).build(contract, contract.read_text(encoding="utf-8"))
    if build.refused is not None:
        raise ValueError(build.refused)
    return build.bytecode
