"""Whether what the lab did ended as it did since the machine was late: that is no fault of the system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.checks.facts import name_at, timestamp_of, unix_ms
from lab.checks.lateness import excuse, was_late
from lab.checks.replay import replay
from lab.model.history import History
from lab.model.records import Block, Lag
from lab.runner.operations import Pending
from lab.runner.run import Run

ID_LENGTH = 66
# What changes a transaction that its window is over for.
LATE_WHEN_PAST = ("resolve_dependency", "expire_transaction")


def in_time(run: Run, pending: Pending, *, met: bool) -> tuple[bool | None, str]:
    """Whether an operation ended as expected, and how. None where the machine may be to blame that it did not."""
    why = None if met else _overdue(run, pending)
    return (met, pending.actual) if why is None else (None, f"{pending.actual}; {why}")


def _overdue(run: Run, pending: Pending) -> str | None:
    """The machine brought it past a moment that decides over it: a timestamp, or the end of a window.

    None where no such moment was missed, or by more than the machine was late.
    """
    history = run.history()
    blocks = (block for block in history.of(Block) if (block.chain, block.number) == (pending.chain, pending.block))
    block: Block | None = next(blocks, None)
    at_ms = run.now_ms if block is None else block.t_ms
    reasons = (excuse(history, 0, due_ms, at_ms) for due_ms in _moments_ms(history, pending))
    return next((f"the moment that decides over it was {reason}" for reason in reasons if reason is not None), None)


def machine_to_blame(run: Run) -> str | None:
    """Why what a script finds may be the machine's doing: it was held up, as a late step is, or a window was missed.

    Under the virtual clock nothing is.
    """
    if run.item.clock != "real":
        return None
    held_up_ms = max((lag.turns_ms for lag in run.history().of(Lag)), default=0)
    return was_late(held_up_ms) if held_up_ms > run.usual_lateness_ms else missed_window(run)


def missed_window(run: Run) -> str | None:
    """A transaction was resolved, or ended, past its window by less than the machine was late since it was due.

    Whoever called: what a procedure or a script finds after that may be the machine's doing. The last one counts.
    """
    history, missed = run.history(), list[tuple[int, str]]()
    for chain in (replay(history, name) for name in history.header.chains):
        for step in (seen.step for seen in chain.seen if seen.step.function in LATE_WHEN_PAST):
            timestamp = None if step.tx_id is None else timestamp_of(chain.entry(step.tx_id))
            if step.tx_id is None or timestamp is None:
                continue
            end_ms = unix_ms(history, timestamp + chain.window_of(step.tx_id) + 1)
            if (why := excuse(history, unix_ms(history, timestamp), end_ms, step.block.t_ms)) is not None:
                name = name_at(history, chain.chain, step.tx_id)
                missed.append((step.block.t_ms, f"the window of {name} was {why}"))
    return max(missed)[1] if missed else None


def within(run: Run, start_s: float, limit_s: float, at_s: float) -> tuple[bool | None, str]:
    """Whether a thing that was to come `limit_s` after `start_s` came by then, and after how long; seconds of the run.

    None where it came too late by less than the machine was.
    """
    duration, start_ms, at_ms = f"{at_s - start_s:.0f} s", round(start_s * 1000), round(at_s * 1000)
    due_ms = start_ms + round(limit_s * 1000)
    if at_ms <= due_ms:
        return True, duration
    why = excuse(run.history(), start_ms, due_ms, at_ms)
    return (False, duration) if why is None else (None, f"{duration}; the time was {why}")


def _moments_ms(history: History, pending: Pending) -> Iterator[int]:
    chain = replay(history, pending.chain)
    for value in _leaves(pending.args):
        if isinstance(value, int):
            yield unix_ms(history, value)
        elif isinstance(value, str) and len(value) == ID_LENGTH:
            timestamp = timestamp_of(chain.entry(value))
            if timestamp is not None:
                yield unix_ms(history, timestamp)
                yield unix_ms(history, timestamp + chain.window_of(value) + 1)


def _leaves(value: Any) -> Iterator[Any]:
    """Single values, of requests in a batch too."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _leaves(part)
    else:
        yield value
