"""Where the evidence of `lab mutate` lies: of each project that shares a results folder one run, the last.

The first has `results/mutation`, each other one a folder with a mark of its own behind that name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from lab.evidence.load_runs import Counting, LoadRun, bearable, counting_by_project, read_load_run
from lab.evidence.outcomes import names_against, outcome_of

MUTATION = "mutation"
_NAME = re.compile(r"mutation(-[0-9a-z]{8})?")
# Any of them is what is left of a run: nobody else writes where it is.
_FILES = ("rows.json", "manifest.json", "mutation.json", "mutation.txt")


def mutation_runs(results: Path) -> list[LoadRun]:
    """All that is there, or was and decided against a row; the oldest first, and last what does not say."""
    there = {path.name for path in results.iterdir() if path.is_dir()} if results.is_dir() else set()
    against = {name for name in names_against(results) if outcome_of(results / name, last=True).is_against}
    names = sorted(filter(_NAME.fullmatch, there | against))
    return sorted(bearable(read_load_run(results / name, rewritten=True) for name in names), key=_order)


def counting_mutations(results: Path) -> list[Counting]:
    """Of each project what counts."""
    return counting_by_project(mutation_runs(results))


def mutation_folder(results: Path, project: Sequence[str]) -> Path:
    """The folder of a project that is known by these marks: the one that it has, or one that nobody has."""
    used = [run for run in mutation_runs(results) if run.against or _holds_any(run.folder)]
    own = (run.folder for run in used if set(run.project) & set(project) or run.project == tuple(project))
    taken = any(run.folder.name == MUTATION for run in used)
    return next(own, results / (f"{MUTATION}-{(*project, 'unmarked')[0][:8]}" if taken else MUTATION))


def _holds_any(folder: Path) -> bool:
    return any(os.path.lexists(folder / name) for name in _FILES)


def _order(run: LoadRun) -> tuple[bool, str]:
    return run.says_nothing, run.started
