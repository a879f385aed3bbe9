"""Whether an operation of the lab's own ended as it did since the machine was late: that is no fault of the system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.checks.facts import timestamp_of, unix_ms
from lab.checks.lateness import excuse
from lab.checks.replay import replay
from lab.model.history import History
from lab.model.records import Block
from lab.runner.operations import Pending
from lab.runner.run import Run

ID_LENGTH = 66


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
