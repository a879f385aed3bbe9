"""`lab merge`: the results of all parts of a swarm or of a mutation run as one, with gaps and contradictions named."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.commands.explore.mutate import show_score
from lab.commands.explore.requests import MergeRequest
from lab.commands.explore.swarm import show, show_table
from lab.errors import UsageError
from lab.explore.journal import KEPT_VALUES_MAX, Journal, MutationWork, journals_below, made_with
from lab.explore.mutate.equivalent import read_reviewed
from lab.explore.mutate.mutants import find_mutants
from lab.explore.mutate.score import Score
from lab.explore.mutate.trial import MutantOutcome
from lab.explore.shard import Shard
from lab.explore.swarm.merging import Merged
from lab.explore.swarm.seed import SeedOutcome
from lab.json_values import Values
from lab.session.project_search import project_marks_of
from lab.session.suite import compile_target
from lab.session.under_test import VIRTUAL, system_under_test

NAMED_MAX = 20
SHOWN_MAX = 1_000
INCOMPLETE = 3


def merge(request: MergeRequest) -> int:
    """Merge what lies below the folders; the worst exit code of a swarm and a mutation run. Raises UsageError."""
    console = Console(highlight=False)
    swarms = journals_below(request.folders, "swarm", SeedOutcome)
    mutations = journals_below(request.folders, "mutate", MutantOutcome)
    if not swarms and not mutations:
        raise UsageError(
            f"{', '.join(map(str, request.folders))}: expected results of `lab swarm` or `lab mutate` "
            "(outcomes*.jsonl below them), found none"
        )
    codes = [_merge_swarm(console, swarms, request.results)] if swarms else []
    codes += [_merge_mutation(console, mutations, request)] if mutations else []
    return 1 if 1 in codes else max(codes)


def _parts(console: Console, journals: Sequence[Journal[Any]], what: str) -> None:
    header = journals[0].header
    console.print(f"{what}: {', '.join(header.made_with.values())}", markup=False, soft_wrap=True)
    there = {journal.header.shard for journal in journals}
    count = Shard.parse(header.shard).count
    missing = [text for number in range(1, count + 1) if (text := str(Shard(number, count))) not in there]
    console.print(f"{len(there)} of {count} parts{_named(', missing', missing)}", soft_wrap=True)


def _named(what: str, names: Iterable[object]) -> str:
    waiting = iter(names)
    named = ", ".join(map(str, islice(waiting, NAMED_MAX)))
    more = sum(1 for _ in waiting)
    return f"{what}: {named}{f' and {more} more' if more else ''}" if named else ""


def _merge_swarm(console: Console, journals: Sequence[Journal[SeedOutcome]], results: Path) -> int:
    _parts(console, journals, "swarm")
    whole = Merged(journals)
    outcomes = whole.not_passed
    for outcome in islice(outcomes, SHOWN_MAX):
        show(console, outcome, None, results)
    if more := sum(1 for _ in outcomes):
        console.print(f"and {more} more that did not pass: their journals have them", soft_wrap=True)
    show_table(console, whole.tally, whole.tally.duration_s)
    not_run = _named("UNKNOWN, for they were not run", whole.not_run)
    if not_run:
        console.print(not_run, markup=False, soft_wrap=True)
    return whole.tally.exit_code or (INCOMPLETE if not_run else 0)


def _merge_mutation(console: Console, journals: Sequence[Journal[MutantOutcome]], request: MergeRequest) -> int:
    begin, header = time.monotonic(), journals[0].header
    work, facts = header.work, header.about
    assert isinstance(work, MutationWork)
    assert facts is not None
    system = system_under_test(contract=request.contract, relayer_cmd=None, beside=request.folders)
    target = compile_target(system.with_reference_relayer(VIRTUAL))
    here = made_with(target)
    if here["contract"] != header.made_with["contract"]:
        raise UsageError(
            f"expected the contract whose mutants were tested, {header.made_with['contract']}; the one here is "
            f"{here['contract']}: name it with --contract"
        )
    _parts(console, journals, "mutants")
    everything = {mutant.key: mutant for mutant in find_mutants(system.contract)}
    outcomes = _outcomes(journals, everything)
    score = Score(everything, list(outcomes.values()), read_reviewed(system.contract))
    about: dict[str, Any] = {
        **facts.model_dump(mode="json"),
        "complete": len(outcomes) == len(everything),
        "sampled": work.sampled and outcomes.keys() == set(work.keys),
        "duration_s": round(time.monotonic() - begin + sum(one.compile_s + one.run_s for one in outcomes.values()), 1),
        "jobs": len(journals),
    }
    project = project_marks_of(system.project, request.results)
    show_score(console, score, about, score.write(request.results, about, project))
    not_run = [key for key in work.keys if key not in outcomes]
    if not_run:
        console.print(_named("UNKNOWN, for they were not run", not_run), markup=False, soft_wrap=True)
    return score.exit_code or (INCOMPLETE if not_run else 0)


def _outcomes(journals: Sequence[Journal[MutantOutcome]], mutants: Container[str]) -> dict[str, MutantOutcome]:
    """By the mutants' keys. Raises UsageError for what is no mutant, and for one of which two outcomes differ."""
    outcomes: dict[str, MutantOutcome] = {}
    values = Values(KEPT_VALUES_MAX)
    for journal in journals:
        for outcome in journal.outcomes(values):
            if outcome.key not in mutants:
                raise UsageError(f"{journal.path}: expected mutants of the contract, got {outcome.key!r}: none of them")
            other = outcomes.setdefault(outcome.key, outcome)
            if other.status != outcome.status:
                raise UsageError(
                    f"{journal.path}: the mutant {outcome.key} {outcome.status} here and {other.status} elsewhere; "
                    "both cannot be so: test it again with `lab mutate --only`"
                )
    return outcomes
