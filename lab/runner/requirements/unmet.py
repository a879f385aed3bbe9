"""What ends a scenario in Python before its end; `guarded` makes evidence of each."""

from __future__ import annotations

from lab.errors import LabError


class MissingFunction(LabError):
    """The contract under test does not have a function that a scenario calls or reads."""

    def __init__(self, function: str) -> None:
        self.function = function
        super().__init__(f"the contract has no function {function}")


class NoRoom(LabError):
    """The blocks of a contract that takes few operations in each do not hold what was planned. Says what it lacks."""


class Unmeasured(LabError):
    """A call that a scenario wants to make many times reverts already when it is tried."""
