"""The timeline of a scenario file: each step at its time, or once the steps before it have ended."""

from __future__ import annotations

from collections.abc import Callable

from lab.checks.lateness import excuse
from lab.runner.operations import WAIT_MS
from lab.runner.requirements.optional import of_step
from lab.runner.run import Run
from lab.runner.steps import STEPS


def play_timeline(run: Run, progress: Callable[[str], None]) -> None:
    """The timeline. A step with a time of its own waits for that time, one without waits for the step before it."""
    for step in run.item.steps:
        if step.at_ms is not None:
            _note_passed(run, step.id, step.at_ms)
            run.advance_to(max(step.at_ms, run.now_ms), step.id)
        else:
            _join(run)
        if run.now_ms > run.item.timeout_ms:
            run.note("timeout", f"{step.id} was not reached within {run.item.timeout_ms / 1000:g} s")
            return
        progress(f"{run.now_ms / 1000:6.1f} s  {step.id}")
        if parts := of_step(step, run.lab.spec.target):
            run.leave_out(parts)
            continue
        STEPS[step.kind](run, step)
    _join(run)


def _note_passed(run: Run, step: str, at_ms: int) -> None:
    """The steps before one took longer than to its time: by themselves, or as the machine was late."""
    if at_ms + run.usual_lateness_ms >= run.now_ms:
        return
    text = f"{step} was to begin at {at_ms / 1000:g} s: the steps before it took longer"
    late = excuse(run.history(), 0, at_ms, run.now_ms)
    run.note("late" if late is None else "lab late", text if late is None else f"{text}; the time was {late}")


def _join(run: Run) -> None:
    """Wait until the operations begun so far have ended."""
    waiting, run.waiting = run.waiting, []
    run.lab.scheduler.advance_until(
        lambda: all(pending.done for pending in waiting),
        deadline_ms=run.now_ms + WAIT_MS,
        step_ms=250,
        waiting_for="the operations begun so far to end",
    )
