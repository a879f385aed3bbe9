"""`lab mutate`: how many small mistakes in the contract under test the scenario library would notice."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.chains.processes.leftovers import sweep
from lab.chains.processes.reaper import Reaper
from lab.commands.explore.engine import check_engine, engine_of, usage_of
from lab.commands.explore.requests import MutateRequest
from lab.errors import UsageError
from lab.evidence.mutation_runs import MUTATION, mutation_folder
from lab.evidence.repository import lab_state
from lab.evidence.seal import write_started
from lab.explore.dask.cluster import ClusterLost
from lab.explore.dask.engine import DaskEngine
from lab.explore.journal import Journal, JournalHeader, LibraryUsed, MutationFacts, MutationWork, made_with
from lab.explore.mutate.equivalent import read_reviewed
from lab.explore.mutate.mutants import Mutant, find_mutants
from lab.explore.mutate.run import chosen, fit_runs, run_mutation
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
from lab.owner import temporary_directory
from lab.paths import real_path
from lab.session.project_search import project_marks_of
from lab.session.suite import compile_target, new_run_id

# Of some 105 that the compiler takes, one may survive and still 95% are shown.
SAMPLE = 120
INTERRUPTED = 130


def mutate(request: MutateRequest) -> int:
    """Run it; the exit code."""
    shard, results = Shard.parse(request.shard), request.results
    check_engine(request)
    scenarios = chosen_scenarios(request.scenarios)
    system = mutated_system(request.contract, scenarios)
    target = system.contract
    console, begin, run_id = Console(highlight=False), time.monotonic(), new_run_id()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    if target.suffix != ".vy":
        raise UsageError(f"{target}: expected a .vy source to change, got {target.suffix or 'no suffix'}")
    original = compile_target(system)
    console.print(system.described(original.contract.name).line, markup=False, soft_wrap=True)
    say = partial(console.print, markup=False, soft_wrap=True)
    everything = find_mutants(target)
    only = tuple(request.only or ())
    requested = [mutant for mutant in everything if not only or mutant.key.startswith(only)]
    if not requested:
        raise UsageError(
            f"--only {' '.join(only)}: no mutant has a key that starts with this; keys look like {everything[0].key}"
        )
    sweep(say)
    makers = made_with(original, scenario_files(scenarios))
    # Another sample once contract or scenarios are others: what was written against one sample says nothing by it.
    limit = SAMPLE if request.sample and request.limit is None else request.limit
    tested = chosen(requested, limit, f"{makers['contract']} {makers['scenarios']}")
    mutants, sampled = shard.of(tested), len(tested) < len(requested) == len(everything)
    say(f"{len(everything)} mutants of {target.name} and its modules, {len(tested)} to test")
    made = {
        "started": started,
        "lab": lab_state(),
        "contract": {
            "name": target.name,
            "source_sha256": original.contract.source_sha256,
            "bytecode_sha256": original.contract.bytecode_sha256,
        },
    }
    project = project_marks_of(system.project, results)
    folder = mutation_folder(results, project)
    begun = {"schema_version": 1, "profile": MUTATION, "item": "lab mutate", "project": project}
    write_started(folder, {**begun, **made})
    with progress_of(console, "the original", None) as notify:
        fit = fit_runs(system, real_path(scenarios), run_id, notify)
    costs = fit.costs if request.every_run else fit.covering()
    say(
        f"{len(costs)} of {len(fit.costs)} runs of {scenarios} cover all that the library covers of the contract, "
        f"{sum(costs.values()):.0f} s for all of these"
    )
    for line in fit.left_out:
        say(f"  left out: {line}")
    library = LibraryUsed(runs=len(costs), of=len(fit.costs), left_out=tuple(fit.left_out))
    facts = MutationFacts.model_validate({**made, "library": library})
    header = JournalHeader(
        command="mutate",
        made_with=makers,
        work=MutationWork(keys=tuple(mutant.key for mutant in tested), every_run=request.every_run, sampled=sampled),
        shard=str(shard),
        about=facts,
    )
    journal = Journal.begin(folder / shard.file, header, MutantOutcome, resume=request.resume)
    done = {outcome.key for outcome in journal.outcomes}
    if shard.count > 1 or done:
        say(f"part {shard}: {len(mutants)} mutants, of which {len(done)} are done: {journal.path}")
    left = [mutant for mutant in mutants if mutant.key not in done]
    engine, reviewed, ended = engine_of(request, run_id, header.made_with), read_reviewed(target), 0
    try:
        with Reaper.start() as reaper, temporary_directory("mutate") as scratch:
            reaper.watch_dir(scratch)
            running = run_mutation(
                left,
                MutationOpener(run_id, request.contract, request.scenarios),
                engine,
                fit.worth(costs),
                contract=target,
                folder=scratch,
                notify=say,
            )
            with progress_of(console, "mutants", len(left)) as notify:
                for number, outcome in enumerate(running, start=1):
                    journal.add(outcome)
                    counts = Counter(tried.status for tried in journal.outcomes)
                    notify(number, ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
                    if outcome.status == "survived" and outcome.key not in reviewed:
                        _survivor(console, next(mutant for mutant in mutants if mutant.key == outcome.key), outcome)
    except KeyboardInterrupt:
        ended = INTERRUPTED
    except ClusterLost as lost:
        ended = lost.exit_code
        say(f"{lost}; what is done is kept in {journal.path}, and --resume goes on")
    score = Score({mutant.key: mutant for mutant in mutants}, journal.outcomes, reviewed)
    about: dict[str, Any] = {
        **facts.model_dump(mode="json"),
        "complete": len(journal.outcomes) == len(everything),
        "sampled": sampled and len(journal.outcomes) == len(tested),
        "duration_s": round(time.monotonic() - begin, 1),
        "jobs": engine.usage.workers if isinstance(engine, DaskEngine) else request.jobs,
    }
    show_score(console, score, about, score.write(results, about, project))
    if (usage := usage_of(engine)) is not None:
        say(usage)
    return ended or score.exit_code


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
