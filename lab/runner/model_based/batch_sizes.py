"""How many items a contract takes in one call: its own affair, as long as it takes all that are fewer."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from lab.coordinator.behaviour import Behaviour
from lab.coordinator.refused import Refused
from lab.model.record_parts.about import Difference

# Every contract with batches takes as many.
FIT_SURE = 8


class BatchSizes:
    """The longest batch of each function that was taken, and the shortest that was refused with nothing wrong in it."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self._refused: dict[str, int] = {}

    def judge(self, function: str, size: int, *, taken: bool) -> Difference | None:
        """What of a batch in which nothing is wrong contradicts the ones before."""
        longest, shortest = self._taken.get(function, FIT_SURE), self._refused.get(function, size + 1)
        if taken:
            self._taken[function] = max(longest, size)
            words = f"expected {size} items to be too many as {shortest} were, it succeeded"
            return Difference(words) if size >= shortest else None
        self._refused[function] = min(shortest, size)
        words = f"expected {size} items to fit as {longest} did, it reverted"
        return Difference(words) if size <= longest else None


def allows(model: Behaviour, function: str, args: Sequence[Any], sender: str, now: int) -> bool:
    """Whether nothing is wrong in a call but perhaps its length; the model stays as it is."""
    try:
        deepcopy(model).call(function, args, sender, now)
    except Refused:
        return False
    return True
