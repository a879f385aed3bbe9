"""`lab mutate`: how many small mistakes in the contract under test the scenario library would notice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.chains.processes.reaper import Reaper
from lab.commands.explore.engine import check_engine, engine_of, usage_of
from lab.commands.explore.introduced import introduced, say_trouble
from lab.commands.explore.requests import MutateRequest
from lab.errors import UsageError
from lab.evidence.mutation_runs import MUTATION, mutation_folder
from lab.evidence.repository import lab_state
from lab.evidence.seal import write_started
from lab.explore.dask.cluster import ClusterLost
from lab.explore.dask.engine import DaskEngine
from lab.explore.journal import (
    KEPT_VALUES_MAX,
    Journal,
    JournalHeader,
    LibraryUsed,
    MutationFacts,
    MutationWork,
    made_with,
)
from lab.explore.mutate.equivalent import read_reviewed
from lab.explore.mutate.fit import FitRuns, fit_runs
from lab.explore.mutate.mutants import Mutant, find_mutants
from lab.explore.mutate.run import chosen, run_mutation
from lab.explore.mutate.score import Score
from lab.explore.mutate.trial import (
    MutantOutcome,
    MutationOpener,
    chosen_scenarios,
    mutated_system,
    scenario_files,
)
from lab.explore.progress import progress_of
from lab.explore.shard import Shard
from lab.explore.workers import Engine
from lab.json_values import Values
from lab.owner import temporary_directory
from lab.session.project_search import project_marks_of
from lab.session.suite import new_run_id
from lab.session.under_test import SystemUnderTest

# Of some 105 that the compiler takes, one may survive and still 95% are shown.
SAMPLE = 120
INTERRUPTED = 130

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Work:
    """Which mutants of which contract are tested with which scenarios, and what a record of it begins with.

    Of `everything` a sample is `tested`; `mutants` is this part of it.
    """

    system: SystemUnderTest
    scenarios: Path
    everything: list[Mutant]
    tested: list[Mutant]
    mutants: Sequence[Mutant]
    sampled: bool
    makers: dict[str, str]
    made: dict[str, Any]


def mutate(request: MutateRequest) -> int:
    """Run it; the exit code."""
    shard, console = Shard.parse(request.shard), Console(highlight=False)
    say = partial(console.print, markup=False, soft_wrap=True)
    check_engine(request)
    begin, run_id = time.monotonic(), new_run_id()
    work = _work_of(request, shard, run_id, say)
    project = project_marks_of(work.system.project, request.results)
    folder = mutation_folder(request.results, project)
    begun = {"schema_version": 1, "profile": MUTATION, "item": "lab mutate", "project": project}
    write_started(folder, {**begun, **work.made})
    opener = MutationOpener(run_id, request.contract, request.scenarios)
    with progress_of(console, "the original", None) as notify:
        fit = fit_runs(opener, notify, request.jobs)
    costs = _costs(request, work, fit, say)
    library = LibraryUsed(runs=len(costs), of=len(fit.costs), left_out=tuple(fit.left_out))
    facts = MutationFacts.model_validate({**work.made, "library": library})
    journal = _journal(request, folder, shard, work, facts)
    outcomes = list(journal.outcomes(Values(KEPT_VALUES_MAX)))
    if shard.count > 1 or outcomes:
        done = len({outcome.key for outcome in outcomes})
        say(f"part {shard}: {len(work.mutants)} mutants, of which {done} are done: {journal.path}")
    engine, reviewed = engine_of(request, run_id, work.makers), read_reviewed(work.system.contract)
    ended = 0
    try:
        _test(work, journal, outcomes, opener, engine, fit.worth(costs), reviewed, console)
    except KeyboardInterrupt:
        ended = INTERRUPTED
    except ClusterLost as lost:
        ended = lost.exit_code
        say(f"{lost}; what is done is kept in {journal.path}, and --resume goes on")
    score = Score({mutant.key: mutant for mutant in work.mutants}, outcomes, reviewed)
    about: dict[str, Any] = {
        **facts.model_dump(mode="json"),
        "complete": len(outcomes) == len(work.everything),
        "sampled": work.sampled and len(outcomes) == len(work.tested),
        "duration_s": round(time.monotonic() - begin, 1),
        "jobs": engine.usage.workers if isinstance(engine, DaskEngine) else request.jobs,
    }
    show_score(console, score, about, score.write(request.results, about, project))
    if (usage := usage_of(engine)) is not None:
        say(usage)
    return ended or score.exit_code


def _work_of(request: MutateRequest, shard: Shard, run_id: str, say: Say) -> _Work:
    scenarios = chosen_scenarios(request.scenarios)
    system = mutated_system(request.contract, scenarios)
    target = system.contract
    started = datetime.now(UTC).isoformat(timespec="seconds")
    if target.suffix != ".vy":
        raise UsageError(f"{target}: expected a .vy source to change, got {target.suffix or 'no suffix'}")
    original = introduced(system, say)
    say_trouble(run_id, system, say)
    everything = find_mutants(target)
    requested = _requested(everything, tuple(request.only or ()))
    makers = made_with(original, scenario_files(scenarios))
    # Another sample once contract or scenarios are others: what was written against one sample says nothing by it.
    limit = SAMPLE if request.sample and request.limit is None else request.limit
    tested = chosen(requested, limit, f"{makers['contract']} {makers.get('scenarios', '')}")
    say(f"{len(everything)} mutants of {target.name} and its modules, {len(tested)} to test")
    contract = {
        "name": target.name,
        "source_sha256": original.contract.source_sha256,
        "bytecode_sha256": original.contract.bytecode_sha256,
    }
    return _Work(
        system=system,
        scenarios=scenarios,
        everything=everything,
        tested=tested,
        mutants=shard.of(tested),
        sampled=len(tested) < len(requested) == len(everything),
        makers=makers,
        made={"started": started, "lab": lab_state(), "contract": contract},
    )


def _requested(everything: list[Mutant], only: tuple[str, ...]) -> list[Mutant]:
    requested = [mutant for mutant in everything if not only or mutant.key.startswith(only)]
    if not requested:
        raise UsageError(
            f"--only {' '.join(only)}: no mutant has a key that starts with this; keys look like {everything[0].key}"
        )
    return requested


def _costs(request: MutateRequest, work: _Work, fit: FitRuns, say: Say) -> dict[str, float]:
    """Of the runs that every mutant meets."""
    costs = fit.costs if request.every_run else fit.covering()
    say(
        f"{len(costs)} of {len(fit.costs)} runs of {work.scenarios} cover all that the library covers of the contract, "
        f"{sum(costs.values()):.0f} s for all of these"
    )
    for line in fit.left_out:
        say(f"  left out: {line}")
    return costs


def _journal(
    request: MutateRequest, folder: Path, shard: Shard, work: _Work, facts: MutationFacts
) -> Journal[MutantOutcome]:
    """A new one, or the one to go on with."""
    keys = tuple(mutant.key for mutant in work.tested)
    header = JournalHeader(
        command="mutate",
        made_with=work.makers,
        work=MutationWork(keys=keys, every_run=request.every_run, sampled=work.sampled),
        shard=str(shard),
        about=facts,
    )
    return Journal.begin(folder / shard.file, header, MutantOutcome, resume=request.resume)


def _test(
    work: _Work,
    journal: Journal[MutantOutcome],
    outcomes: list[MutantOutcome],
    opener: MutationOpener,
    engine: Engine,
    worth: Mapping[str, float],
    reviewed: Container[str],
    console: Console,
) -> None:
    """Test what the journal does not have yet, and add it there, and to its outcomes."""
    done = {outcome.key for outcome in outcomes}
    # What is known to survive takes longest: last, it would keep one worker busy while the others have nothing to do.
    left = sorted(
        (mutant for mutant in work.mutants if mutant.key not in done), key=lambda mutant: mutant.key not in reviewed
    )
    say = partial(console.print, markup=False, soft_wrap=True)
    with Reaper.start() as reaper, temporary_directory("mutate") as scratch:
        reaper.watch_dir(scratch)
        running = run_mutation(left, opener, engine, worth, contract=work.system.contract, folder=scratch, notify=say)
        with progress_of(console, "mutants", len(left)) as notify:
            for number, outcome in enumerate(running, start=1):
                journal.add(outcome)
                outcomes.append(outcome)
                counts = Counter(tried.status for tried in outcomes)
                notify(number, ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
                if outcome.status == "survived" and outcome.key not in reviewed:
                    _survivor(console, next(mutant for mutant in left if mutant.key == outcome.key), outcome)


def _survivor(console: Console, mutant: Mutant, outcome: MutantOutcome) -> None:
    console.print(f"SURVIVED {outcome.key}\n{mutant.diff()}", markup=False, soft_wrap=True)
    for doubt in outcome.doubted:
        console.print(f"  in doubt: {doubt}", markup=False, soft_wrap=True)


def show_score(console: Console, score: Score, about: dict[str, Any], files: tuple[Path, Path]) -> None:
    """The end of the output."""
    for outcome in score.misjudged:
        console.print(f"MISJUDGED {outcome.key}: listed as equivalent, but killed by {outcome.scenario}", markup=False)
    console.print(score.text(about).split("\n\n")[0], markup=False, soft_wrap=True)
    console.print(f"{about['duration_s']:.0f} s; report: {files[0]} and {files[1]}", markup=False)
