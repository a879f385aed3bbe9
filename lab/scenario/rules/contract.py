"""Lint rules for what a coordinator contract would refuse or never do, whatever else the scenario shows."""

from __future__ import annotations

from collections.abc import Iterator

from lab.coordinator.behaviour import WINDOW_MAX, WINDOW_MIN
from lab.model.step import StepBase
from lab.model.units import format_duration
from lab.scenario.declared import Notebook
from lab.scenario.rules.states import buffered_by, legs_of, may_fail
from lab.scenario.steps import Acting, AdminStep, BufferStep, CallStep, ExpectStep, WaitStep
from lab.yamlsource import Route


def _steps(book: Notebook) -> Iterator[tuple[Route, StepBase]]:
    for index, step in enumerate(book.file.timeline):
        yield ("timeline", index), step


def buffers_are_in_time(book: Notebook) -> None:
    """A leg is buffered at its own time at the latest: a contract refuses a timestamp in the past."""
    legs, earliest = legs_of(book), 0
    for path, step in _steps(book):
        earliest = max(earliest, step.at_ms or 0)
        if earliest > book.file.timeout_ms:
            return
        late = [name for name in legs if legs[name].at_ms < earliest]
        if isinstance(step, BufferStep) and not may_fail(step):
            for name in (name for name in late if name in buffered_by(step, legs)):
                book.report(
                    (*path, "buffer"),
                    f"{name} is due at {format_duration(legs[name].at_ms)} and this step begins at "
                    f"{format_duration(earliest)} or later: the contract refuses a timestamp in the past",
                )
        if isinstance(step, (WaitStep, ExpectStep)):
            earliest += getattr(step, "wait_ms", None) or getattr(step, "hold_ms", None) or 0


def windows_are_in_range(book: Notebook) -> None:
    """A coordination window is 5 to 300 seconds; another one is only set to see it refused."""
    for path, step in _steps(book):
        seconds: object = None
        if isinstance(step, AdminStep) and step.admin.action == "set_window":
            seconds, path = step.admin.value, (*path, "admin", "value")
        elif isinstance(step, CallStep) and step.call.function == "set_coordination_window":
            seconds, path = next(iter(step.call.args), None), (*path, "call", "args", 0)
        outside = isinstance(seconds, int) and not WINDOW_MIN <= seconds <= WINDOW_MAX
        to_succeed = isinstance(step, Acting) and not may_fail(step)
        if outside and to_succeed:
            text = f"expected a window between {WINDOW_MIN}s and {WINDOW_MAX}s, got {seconds}s"
            book.report(path, f"{text}: the contract refuses it (to show that, add `expect: fail`)")
