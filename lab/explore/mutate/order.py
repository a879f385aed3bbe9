"""In which order scenarios are tried on a mutant: what has killed its neighbours first, then what kills most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from lab.explore.mutate.mutants import Mutant
from lab.explore.mutate.trial import MutantOutcome


class Order:
    """Learns from the outcomes. It decides how soon a mutant is killed, never whether."""

    def __init__(self, worth: Mapping[str, float]) -> None:
        """`worth`: what a run is worth before anything is known of mutants, such as what it shows for its time."""
        self._names = sorted(worth, key=lambda name: (-worth[name], name))
        self._total: Counter[str] = Counter()
        self._by_function: dict[tuple[str, str], Counter[str]] = {}

    def learn(self, mutant: Mutant, outcome: MutantOutcome) -> None:
        if outcome.scenario is not None:
            self._total[outcome.scenario] += 1
            self._by_function.setdefault(_place(mutant), Counter())[outcome.scenario] += 1

    def for_mutant(self, mutant: Mutant) -> tuple[str, ...]:
        """All names, the most promising first."""
        near = self._by_function.get(_place(mutant), Counter())
        return tuple(sorted(self._names, key=lambda name: (-near[name], -self._total[name])))


def _place(mutant: Mutant) -> tuple[str, str]:
    return mutant.file.name, mutant.function
