"""A part of the work for one of several machines: every n-th task, so that all parts are as hard as each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from lab.errors import UsageError

Task = TypeVar("Task")
COUNT_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `number` of `count`, counted from 1."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """`3/20`. Raises UsageError."""
        parts = re.fullmatch("([0-9]{1,6})/([0-9]{1,6})", text)
        number, count = (int(part) for part in parts.groups()) if parts else (0, 0)
        if not 1 <= number <= count <= COUNT_MAX:
            raise UsageError(
                f"--shard {text}: expected PART/PARTS, as 1/20 to 20/20, with at most {COUNT_MAX} parts; an index that "
                "counts from 0 needs one added"
            )
        return cls(number, count)

    def of(self, tasks: Sequence[Task]) -> Sequence[Task]:
        """The tasks of this part, in their order."""
        return tasks[self.number - 1 :: self.count]

    @property
    def file(self) -> str:
        """The name of its journal."""
        return "outcomes.jsonl" if self.count == 1 else f"outcomes-{self.number}-of-{self.count}.jsonl"

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"
