"""Kinds that are judged by what their calls took or stopped, beside what they are documented to do.

Gas may differ by what is warm, by what was zero before and by first uses; it must not grow with everything that was
ever done. A stop that is lifted leaves nothing of the failures that led to it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from lab.runner.model_based.judge import ANEW, GROWS, Deviation
from lab.runner.model_based.sequence import Step

Results = Sequence[dict[str, Any]]
OwnJudge = Callable[[Sequence[Step], Results], Deviation | None]
# Less than this for each operation is no loop over any of them.
GAS_EACH = 10
# How even the growth is: the square root and the logarithm of what was done grow by less and less.
EVEN = 0.8
# Marks of the kind about breakers.
BEFORE, LIFTED, AFTER = 1, 2, 3


def by_gas(steps: Sequence[Step], results: Results) -> Deviation | None:
    """The first function whose gas grows evenly, or faster, with what was done before it.

    Compared are calls that stand at the same place among those of a mark, which is how many operations came before.
    """
    used: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    last: dict[tuple[str, int], int] = {}
    met: Counter[tuple[str, int]] = Counter()
    for place, (step, result) in enumerate(zip(steps, results, strict=True)):
        if not step.mark:
            continue
        same = step.function, step.mark
        met[same] += 1
        if result["status"] == "0x1":
            used[step.function, met[same]][step.mark] = int(result["gasUsed"], 16)
            last[step.function, met[same]] = place
    marks = sorted({step.mark for step in steps if step.mark})
    for alike, gas in used.items():
        if list(gas) != marks or not _grows(gas):
            continue
        rate = round((gas[marks[-1]] - gas[marks[1]]) / (marks[-1] - marks[1]))
        figures = ", ".join(f"{gas[mark]:,} after {mark}" for mark in marks)
        place = last[alike]
        return Deviation(steps[place], f"{GROWS}; {figures} of the same: {rate:,} more for each", place)
    return None


def _grows(gas: dict[int, int]) -> bool:
    """Whether each stretch adds about as much as the one before it, or more; the first holds what is used first."""
    _, *points = sorted(gas.items())
    rates = [(after - before) / (end - start) for (start, before), (end, after) in pairwise(points)]
    return len(rates) > 2 and rates[0] >= GAS_EACH and all(b >= EVEN * a for a, b in pairwise(rates))


def by_stops(steps: Sequence[Step], results: Results) -> Deviation | None:
    """Fewer failures after a stop was lifted stop it again than stopped it first, within the same period.

    A stop is one where a buffering without a fault is refused, too; where nothing stops, or nothing lifts a stop,
    there is nothing to judge.
    """
    failed, refused = {BEFORE: 0, AFTER: 0}, set[int]()
    probes: dict[int, bool] = {}
    place = 0
    for index, (step, result) in enumerate(zip(steps, results, strict=True)):
        ok = result["status"] == "0x1"
        if step.mark and step.function == "buffer_transaction":
            probes[step.mark] = ok
        elif step.mark in failed and step.mark not in refused:
            failed[step.mark] += ok
            refused |= set() if ok else {step.mark}
            place = index if step.mark == AFTER and ok else place
    if probes != {BEFORE: False, LIFTED: True, AFTER: False} or not 0 < failed[AFTER] < failed[BEFORE]:
        return None
    first, then = failed[BEFORE], failed[AFTER]
    return Deviation(
        steps[place], f"{ANEW}; it stopped itself at failure {first}, and after that at failure {then}", place
    )


JUDGES: dict[str, OwnJudge] = {"gas": by_gas, "breaker": by_stops}
# Their figures are those of all calls: fewer of them would show others.
WHOLE = frozenset({"gas"})
