"""Looking at a chain until it has got somewhere: the answer that sufficed, or what the last one was."""

from __future__ import annotations

import pytest

from lab.errors import DeadlineExceeded
from lab.live.execution.waiting import Waiting


class Clock:
    """Goes on by what is slept."""

    def __init__(self) -> None:
        self.s = 0.0

    def sleep(self, seconds: float) -> None:
        self.s += seconds

    def waiting(self) -> Waiting:
        """A look every two seconds, for ten."""
        return Waiting(look_s=2, deadline_s=10, sleep=self.sleep, now=lambda: self.s)


def test_the_answer_that_sufficed() -> None:
    """Nothing is asked again after it, since another endpoint may answer less."""
    clock, heads = Clock(), iter([3, 4, 7, 2])
    assert clock.waiting().until(5, lambda: next(heads), str) == 7
    assert clock.s == 4


@pytest.mark.parametrize(("within_s", "looks"), [(None, 7), (4, 4)])
def test_what_the_last_one_was(within_s: float | None, looks: int) -> None:
    """Said at the deadline, or after the time that was given."""
    clock, asked = Clock(), list[int]()

    def look() -> int:
        asked.append(len(asked))
        return asked[-1]

    with pytest.raises(DeadlineExceeded, match=f"at {looks - 1}$"):
        clock.waiting().until(99, look, lambda seen: f"expected 99, it is at {seen}", within_s)
    assert len(asked) == looks
