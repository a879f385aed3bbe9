"""What a bound in seconds is worth on a machine that is late itself: missed by less, nobody knows whose fault it is.

Every bound of the checks and of the runner is decided here. Under the virtual clock the machine is never late.
"""

from __future__ import annotations

from lab.checks.facts import clock
from lab.model.history import History
from lab.model.records import Lag

# How far apart the looks at the machine's lateness are, where it is not late.
LOOK_MS = 1_000


def late_ms(history: History, start_ms: int, end_ms: int) -> int:
    """How late the machine may have made what happened in this time.

    What was waited for a processor adds up; of the lab's own late turns the worst counts. A look sees what was before
    it, and is late itself on a machine that is.
    """
    lags: list[Lag] = [lag for lag in history.of(Lag) if start_ms <= lag.t_ms and _since_ms(lag) <= end_ms]
    return sum(lag.starved_ms for lag in lags) + max((lag.turns_ms for lag in lags), default=0)


def _since_ms(lag: Lag) -> int:
    """The latest moment at which the time that a look saw can have begun."""
    return lag.t_ms - LOOK_MS - max(lag.turns_ms, lag.starved_ms)


def excuse(history: History, start_ms: int, due_ms: int, at_ms: int) -> str | None:
    """Why nobody can be blamed for a bound that counts from `start_ms` and was missed at `at_ms`, with both figures.

    `at_ms` is when the thing came, or the last moment at which it could have. None where the machine was late by less
    than what is missing.
    """
    lag_ms, missed_ms = late_ms(history, start_ms, at_ms), at_ms - due_ms
    return because(missed_ms, lag_ms) if 0 <= missed_ms <= lag_ms and lag_ms > 0 else None


def because(missed_ms: int, lag_ms: int) -> str:
    """The words for a bound missed by so much on a machine that was late by so much."""
    return f"missed by {clock(missed_ms)}; {was_late(lag_ms)}"


def was_late(lag_ms: int) -> str:
    """The words for a machine that was late by so much."""
    return (
        f"the machine itself was late by up to {clock(lag_ms)} in that time: "
        "run it again on a machine with less to do, or at a lower --speed where one was given"
    )
