"""`lab lint`: every problem of scenario files, between files, and of what they claim to prove."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lab.checks import CHECKS
from lab.errors import InvalidFile, Problem, UsageError, printable
from lab.html.text import plural
from lab.report.catalogue.claims import unmatched_claims
from lab.report.catalogue.rows import Catalogue, load_catalogue
from lab.scenario.finding import files_below
from lab.scenario.item import ScenarioItem
from lab.scenario.kind import kind_of
from lab.scenario.lint import lint
from lab.scenario.resolve import load_scenario
from lab.yamlsource import in_order


def lint_paths(paths: Sequence[Path]) -> int:
    """Print the problems, one a line; 2 if there are any. Raises UsageError where there is nothing to look at."""
    files = list(dict.fromkeys(file for path in paths for file in scenario_files(path)))
    items: list[ScenarioItem] = []
    problems: list[Problem] = []
    for file in files:
        try:
            items += load_scenario(file, known_checks=CHECKS)
        except InvalidFile as error:
            problems += _problems(file, error)
    problems += lint(items)
    problems += claims(load_catalogue(), items)
    for problem in in_order(problems):
        print(problem)
    summary = plural(len(problems), "problem") if problems else "no problems"
    print(f"{plural(len(files), 'file')}, {plural(len(items), 'run')}: {summary}", file=sys.stderr)
    return 2 if problems else 0


def scenario_files(path: Path) -> Iterator[Path]:
    """A file as it is named; of a folder those that are scenarios by their content, as pytest collects them."""
    if path.is_dir():
        others, none = 0, True
        for file in sorted(files_below(path)):
            kind = kind_of(file)
            if kind.scenario:
                none = False
                yield file
            else:
                others += 1
                if kind.doubtful:
                    print(printable(f"not a scenario: {file}: {kind.description}"), file=sys.stderr)
        if none:
            beside = f", but {others} other YAML file{'' if others == 1 else 's'}" if others else ""
            raise UsageError(f"{path}: expected scenario files (.yaml) in this folder, found none{beside}")
    elif path.exists():
        yield path
    else:
        raise UsageError(f"{path}: expected a scenario file or a folder of them, found nothing there")


def _problems(file: Path, error: InvalidFile) -> Sequence[Problem]:
    """What is wrong with a file that was named; one sentence where it is no scenario at all."""
    kind = kind_of(file)
    if kind.scenario or kind.doubtful:
        return error.problems
    return [Problem(str(file), 1, 1, "", f"expected a scenario, got {kind.description}")]


def claims(catalogue: Catalogue, items: Sequence[ScenarioItem]) -> list[Problem]:
    """Claims that the catalogue does not accept, placed in their files."""
    problems: dict[Problem, None] = {}
    for item in items:
        for problem in unmatched_claims(catalogue, [{"scenario_file": str(item.file), "rows": item.rows}]):
            index = int(problem.path.removeprefix("rows[").removesuffix("]"))
            line, column = item.source.position(("rows", index))
            problems[replace(problem, file=str(item.file), line=line, column=column)] = None
    return list(problems)
