"""Whether a scenario that has the right shape makes sense. Finds every problem, not only the first.

To add a rule: a function, and one line in RULES.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from lab.errors import Problem
from lab.scenario.declared import Notebook
from lab.scenario.item import ScenarioItem
from lab.scenario.model import ScenarioFile
from lab.scenario.rules.contract import buffers_are_in_time, windows_are_in_range
from lab.scenario.rules.faults import hits_are_there
from lab.scenario.rules.file import checks_exist, dependencies_end, legs_are_placed, networks_exist
from lab.scenario.rules.overlap import exclusive_faults_follow_each_other
from lab.scenario.rules.states import states_can_be
from lab.scenario.rules.timeline import (
    endpoints_are_there,
    heals_have_faults,
    ids_are_unique,
    names_are_declared,
    relayer_is_there,
    stalls_meet_a_tag,
    times_fit,
)
from lab.scenario.rules.words import names_are_spelled, values_fit
from lab.yamlsource import Source, in_order

RULES: tuple[Callable[[Notebook], None], ...] = (
    networks_exist,
    legs_are_placed,
    dependencies_end,
    checks_exist,
    ids_are_unique,
    names_are_declared,
    endpoints_are_there,
    heals_have_faults,
    relayer_is_there,
    stalls_meet_a_tag,
    exclusive_faults_follow_each_other,
    times_fit,
    hits_are_there,
    states_can_be,
    buffers_are_in_time,
    names_are_spelled,
    values_fit,
    windows_are_in_range,
)


def lint_file(source: Source, file: ScenarioFile, known_checks: Collection[str] | None = None) -> list[Problem]:
    """All problems of one file that has the right shape."""
    book = Notebook(source, file, known_checks)
    for rule in RULES:
        rule(book)
    return in_order(book.problems)


def lint(items: Iterable[ScenarioItem], *, known_checks: Collection[str] | None = None) -> list[Problem]:
    """All problems of loaded scenarios."""
    return in_order(problem for item in items for problem in lint_file(item.source, item.model, known_checks))
