"""One cause for all runs that share a root. What is merged was never seen apart; what was, stays apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lab.report.causes.attribution import Attribution
from lab.report.causes.symptoms import Symptom

R = TypeVar("R")


@dataclass
class Group(Generic[R]):
    """A cause in the making. `runs` are those that show it, with the symptom of each; `follows` what came behind it."""

    key: str
    runs: list[tuple[R, Symptom]] = field(default_factory=list)
    follows: dict[str, Symptom] = field(default_factory=dict)


def group(attributions: Iterable[tuple[R, Attribution]]) -> list[Group[R]]:
    """The groups, the one with most runs first.

    A key joins another in three cases: it is an expectation about the very transaction that a check objects to; it was
    never seen but behind the other; or it is an expectation that a call of the same function ended with what exactly
    one failed check objects to.
    """
    given = list(attributions)
    head = _heads(given)
    groups: dict[str, Group[R]] = {}
    for run, attribution in given:
        shown: dict[str, Symptom] = {}
        behind: list[tuple[str, Symptom]] = []
        for root in attribution.roots:
            shown.setdefault(head(root.key), root)
        for link in attribution.links:
            key = head(link.symptom.key)
            # A key that was seen apart elsewhere is shown by this run, too.
            shown.setdefault(key, link.symptom)
            behind.append((key, link.symptom))
        behind += [(head(root.key), root) for root in attribution.roots]
        for key, symptom in shown.items():
            groups.setdefault(key, Group(key)).runs.append((run, symptom))
        for key, symptom in behind:
            if symptom.key != key:
                groups[key].follows.setdefault(symptom.key, symptom)
    return sorted(groups.values(), key=lambda found: (-len(found.runs), found.key))


class _Heads:
    """Which key speaks for which."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def __call__(self, key: str) -> str:
        while key in self._above:
            key = self._above[key]
        return key

    def join(self, key: str, above: str) -> None:
        """Let `above` speak for `key`, unless that would be a circle."""
        key, above = self(key), self(above)
        if key != above:
            self._above[key] = above


def _heads(given: Iterable[tuple[object, Attribution]]) -> _Heads:
    heads = _Heads()
    rooted: dict[str, Symptom] = {}
    behind: dict[str, Counter[str]] = defaultdict(Counter)
    for _, attribution in given:
        for root in attribution.roots:
            rooted.setdefault(root.key, root)
        for link in attribution.links:
            behind[link.symptom.key][link.root.key] += 1
            pair = {link.symptom.kind: link.symptom.key, link.root.kind: link.root.key}
            if link.same and set(pair) == {"check", "expectation"}:
                heads.join(pair["expectation"], pair["check"])
    for key, roots in behind.items():
        if key not in rooted:
            heads.join(key, roots.most_common(1)[0][0])
    _join_alike(heads, rooted)
    return heads


def _join_alike(heads: _Heads, rooted: Mapping[str, Symptom]) -> None:
    """Expectations to the one failed check about the same function and the same outcome, where there is just one."""
    checks: dict[tuple[str, str], set[str]] = defaultdict(set)
    for symptom in rooted.values():
        if symptom.kind == "check" and symptom.function:
            checks[symptom.function, symptom.says].add(heads(symptom.key))
    for symptom in rooted.values():
        alike = checks.get((symptom.function, symptom.says), set())
        if symptom.kind == "expectation" and symptom.function and len(alike) == 1:
            heads.join(symptom.key, next(iter(alike)))
