"""What shows that a row is able to fail: the broken contracts that its checks caught, and the faults of its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from lab.broken import read_bugs
from lab.model.checks import check_name
from lab.report.catalogue.rows import Row


@cache
def detections() -> Mapping[str, tuple[str, ...]]:
    """Check -> the broken contracts that it must catch, by the heads of their patches."""
    bugs = read_bugs().values()
    return {
        check: tuple(bug.name for bug in bugs if bug.caught_by == check) for check in {bug.caught_by for bug in bugs}
    }


def can_fail(row: Row, faults: Iterable[str]) -> tuple[str, ...]:
    """In words, one sentence a fact; empty where nothing is known."""
    facts = []
    for check in row.checks:
        bugs = detections().get(check)
        if bugs:
            facts.append(f"{check_name(check)} caught the broken contracts {', '.join(bugs)}")
    acted = sorted(set(faults))
    if acted:
        facts.append(f"faults that acted in its runs: {', '.join(acted)}")
    return tuple(facts)
