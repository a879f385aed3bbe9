"""How a circuit breaker may count, and what it must then have counted at each failure and at the end.

Demanded is a count within a period that begins with its first failure. Whether a success begins it anew, as where
failures in a row are counted, is the contract's own affair, and so is what a counter reads once its period is over.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.checks.replay import EXPIRED_REASON, FAILED_REASON, ChainReplay, lifts_stop
from lab.model.effects import Step


@dataclass(frozen=True, slots=True)
class CountingRule:
    """Functions whose success begins the count anew, beside the end of a stop and of a period."""

    successes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"failures until {' or '.join(self.successes)} succeeds" if self.successes else "all failures of a period"
        )


DEMANDED = CountingRule()
RULES = (
    DEMANDED,
    CountingRule(("resolve_dependency",)),
    CountingRule(("mark_executed",)),
    CountingRule(("resolve_dependency", "mark_executed")),
)


@dataclass(frozen=True, slots=True)
class Counted:
    """A failure that the breaker counts, the count after it, the threshold then, and whether the stop followed."""

    step: Step
    count: int
    threshold: int | None
    tripped: bool


@dataclass(frozen=True, slots=True)
class Count:
    """All counted failures of one chain; `end` is what is counted afterwards, until the time `period_end`."""

    counted: tuple[Counted, ...]
    end: int
    period_end: int

    def at(self, timestamp: int) -> tuple[int, ...]:
        """What the breaker may read at a time, the demanded value first."""
        return (self.end,) if timestamp < self.period_end else (0, self.end)


def count(replayed: ChainReplay, rule: CountingRule) -> Count:
    """Expiries and failed executions in calls that succeeded, counted by a rule."""
    counted: list[Counted] = []
    failures, period_end = 0, 0
    for seen in replayed.seen:
        step = seen.step
        if not step.ok or step.skipped:
            continue
        if lifts_stop(step) or _succeeded(step, rule.successes):
            failures, period_end = 0, 0
        if not is_failure(step):
            continue
        timestamp = step.block.timestamp
        if timestamp >= period_end:
            failures, period_end = 0, timestamp + replayed.period_s
        failures += 1
        tripped = step.log("EmergencyStop") is not None
        counted.append(Counted(step, failures, seen.after.threshold, tripped))
    return Count(tuple(counted), failures, period_end)


def reaches(replayed: ChainReplay, before: Step, threshold: int | None) -> bool:
    """Whether a breaker may have counted as much as a threshold by a step: all failures since a stop was last lifted.

    Under a threshold that nobody knows that is any failure; zero is reached by none.
    """
    failures = 0
    for seen in replayed.seen:
        if seen.step.order >= before.order:
            break
        if seen.step.ok and not seen.step.skipped:
            failures = 0 if lifts_stop(seen.step) else failures + is_failure(seen.step)
    return threshold != 0 and failures >= (threshold or 1)


def is_failure(step: Step) -> bool:
    """Whether a step is one of the failures that a breaker counts."""
    failed = step.log("TransactionFailed")
    return failed is not None and failed.args.get("reason") in (EXPIRED_REASON, FAILED_REASON)


def _succeeded(step: Step, functions: tuple[str, ...]) -> bool:
    return step.function in functions and step.log("TransactionFailed") is None
