"""Where the evidence of `lab mutate` lies: of each project that shares a results folder one run, the last.

The first has `results/mutation`, each other one a folder with a mark of its own behind that name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from lab.evidence.load_runs import Counting, LoadRun, counting_by_project, read_load_run
from lab.evidence.outcomes import read_outcomes

MUTATION = "mutation"
_NAME = re.compile(r"mutation(-[0-9a-z]{8})?")


def mutation_runs(results: Path) -> list[LoadRun]:
    """All that is there, or failed and is not there any more; the oldest first."""
    there = {path.name for path in results.iterdir() if path.is_dir()} if results.is_dir() else set()
    failed = {name for name, outcome in read_outcomes(results, last=True).items() if outcome.is_failure}
    names = sorted(filter(_NAME.fullmatch, there | failed))
    return sorted((read_load_run(results / name, rewritten=True) for name in names), key=lambda run: run.started)


def counting_mutations(results: Path) -> list[Counting]:
    """Of each project what counts."""
    return counting_by_project(mutation_runs(results))


def mutation_folder(results: Path, project: Sequence[str]) -> Path:
    """The folder of a project that is known by these marks: the one that it has, or one that nobody has."""
    runs = mutation_runs(results)
    own = (run for run in runs if set(run.project) & set(project) or run.project == tuple(project))
    used = {run.folder.name for run in runs if run.is_known}
    free = MUTATION if MUTATION not in used else f"{MUTATION}-{(*project, 'unmarked')[0][:8]}"
    return next((run.folder for run in own if run.is_known), results / free)
