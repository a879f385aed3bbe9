"""What a scenario in Python expects: recorded as expectations, and judged with the rest of the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.model.record_parts.about import About
from lab.model.records import Expectation
from lab.runner.difference import distinct, unequal
from lab.runner.operations import Pending
from lab.runner.run import Run
from lab.runner.steps.lateness import in_time, machine_to_blame, within


class Expecting:
    """The part of a `Script` that says what has to be. Its steps are counted together with the calls."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._steps = 0

    @property
    def now_s(self) -> float:
        """Simulated seconds since genesis."""
        return self.run.now_ms / 1000

    def expect(
        self,
        expected: str,
        actual: Any,
        *,
        met: bool | None,
        because: str | None = None,
        rows: Sequence[str] = (),
        about: About | None = None,
    ) -> None:
        """Record what was expected and what came. One that is not met fails the scenario; None is unknown.

        It is unknown, too, where the machine may be to blame. `rows` of the checklist alone depend on it; by default
        all that the scenario serves. `about` tells one cause from another where it is not met.
        """
        if met is False and (why := machine_to_blame(self.run)) is not None:
            met, actual = None, f"{actual}; {why}"
        self._steps += 1
        self.run.recorder.add(
            Expectation(
                t_ms=self.run.now_ms,
                id=f"expect#{self._steps}",
                where=Path(self.run.item.file).name,
                expected=expected,
                actual=distinct(expected, str(actual)) if met is False else str(actual),
                met=met,
                because=because,
                rows=tuple(rows),
                about=about if met is False else None,
            )
        )

    def expect_equal(
        self,
        what: str,
        actual: Any,
        expected: Any,
        *,
        because: str | None = None,
        rows: Sequence[str] = (),
        about: About | None = None,
    ) -> None:
        """Record that `what` is to be `expected`; the rest as in `expect`."""
        met = actual == expected
        shown, asked = (str(actual), str(expected)) if met else unequal(actual, expected)
        self.expect(f"{what} to be {asked}", shown, met=met, because=because, rows=rows, about=about)

    def expect_within(self, what: str, limit_s: float, *, since_s: float, at_s: float | None = None) -> None:
        """Record that `what` is to come within so many seconds of the run; `at_s` is when it did, by default now."""
        met, actual = within(self.run, since_s, limit_s, self.now_s if at_s is None else at_s)
        self.expect(f"{what} within {limit_s:g} s", actual, met=met)

    def expect_revert(self, pending: Pending, reason: str, *, because: str | None = None) -> None:
        """Record that a call is to revert with a reason that holds this text, if the contract has to use it."""
        met = pending.reverted(reason, self.run.lab.spec.target)
        about = About(refusals=((reason,), ()))
        self._judge(pending, f'to revert with "{reason}"', met=met, because=because, about=about)

    def expect_ok(self, pending: Pending, *, because: str | None = None) -> None:
        """Record that a call is to succeed."""
        self._judge(pending, "to be ok", met=pending.outcome == "ok", because=because, about=About())

    def _judge(self, pending: Pending, expected: str, *, met: bool, because: str | None, about: About) -> None:
        about = about.model_copy(update={"function": pending.function, "operation": pending.id})
        held, actual = in_time(self.run, pending, met=met)
        self.expect(f"{pending.subject} {expected}", actual, met=held, because=because, about=about)
