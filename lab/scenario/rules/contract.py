"""Lint rules for what a coordinator contract would refuse or never do, whatever else the scenario shows."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from lab.coordinator.behaviour import WINDOW_MAX, WINDOW_MIN
from lab.coordinator.documented import FUNCTIONS
from lab.model.step import StepBase
from lab.model.units import format_duration
from lab.scenario.declared import Notebook
from lab.scenario.expectations import LatencyExpectation, ReturnExpectation, RevertOutcome, StateExpectation
from lab.scenario.model import LegUse
from lab.scenario.steps import (
    Acting,
    AdminStep,
    BufferStep,
    CallStep,
    ExpectStep,
    UntilStep,
    WaitStep,
)
from lab.yamlsource import Route

# Other functions may be the contract's own; this much like a known one is a typing error.
ALIKE = 0.9


def _steps(book: Notebook) -> Iterator[tuple[Route, StepBase]]:
    for index, step in enumerate(book.file.timeline):
        yield ("timeline", index), step


def _may_fail(step: StepBase) -> bool:
    return isinstance(step, Acting) and (step.expect == "fail" or isinstance(step.expect, RevertOutcome))


def _legs(book: Notebook) -> dict[str, LegUse]:
    return {f"{flow}.{name}": leg for flow, legs in book.file.flows.items() for name, leg in legs.items()}


def _buffered(step: StepBase, legs: dict[str, LegUse]) -> set[str]:
    """The legs that a step buffers, successfully or not."""
    if isinstance(step, BufferStep):
        return {name for name in legs if name == step.buffer or name.partition(".")[0] == step.buffer}
    return {name for name in legs if name in str(step.call.args)} if isinstance(step, CallStep) else set()


def legs_are_buffered(book: Notebook) -> None:
    """Nothing is expected of a leg that no step before has buffered, but that it is EMPTY.

    A file that buffers nothing at all leaves that to a program of the user's.
    """
    legs, seen = _legs(book), set[str]()
    if not any(_buffered(step, legs) for _, step in _steps(book)):
        return
    for path, step in _steps(book):
        leg, key = _leg_of(step)
        if leg in legs and leg not in seen:
            text = f"no earlier step buffers {leg}, so it stays EMPTY: add `buffer: {leg}` above"
            book.report((*path, *key), text)
        seen |= _buffered(step, legs)


def _leg_of(step: StepBase) -> tuple[str, Route]:
    """The leg that must have been buffered for the step to come out as written, and where it stands."""
    if isinstance(step, (UntilStep, ExpectStep)):
        key = "until" if isinstance(step, UntilStep) else "expect"
        condition = step.until if isinstance(step, UntilStep) else step.expect
        empty = isinstance(condition, StateExpectation) and condition.state == "EMPTY"
        if isinstance(condition, (StateExpectation, LatencyExpectation)) and not empty:
            return condition.leg, (key, "leg")
    return "", ()


def buffers_are_in_time(book: Notebook) -> None:
    """A leg is buffered at its own time at the latest: a contract refuses a timestamp in the past."""
    legs, earliest = _legs(book), 0
    for path, step in _steps(book):
        earliest = max(earliest, step.at_ms or 0)
        if earliest > book.file.timeout_ms:
            return
        late = [name for name in legs if legs[name].at_ms < earliest]
        if isinstance(step, BufferStep) and not _may_fail(step):
            for name in (name for name in late if name in _buffered(step, legs)):
                book.report(
                    (*path, "buffer"),
                    f"{name} is due at {format_duration(legs[name].at_ms)} and this step begins at "
                    f"{format_duration(earliest)} or later: the contract refuses a timestamp in the past",
                )
        if isinstance(step, (WaitStep, ExpectStep)):
            earliest += getattr(step, "wait_ms", None) or getattr(step, "hold_ms", None) or 0


def functions_are_spelled(book: Notebook) -> None:
    """A function that is almost a known one is that one, misspelled."""
    for path, step in _steps(book):
        if isinstance(step, CallStep):
            _spelled(book, (*path, "call", "function"), step.call.function)
        elif isinstance(step, (UntilStep, ExpectStep)):
            key = "until" if isinstance(step, UntilStep) else "expect"
            condition = step.until if isinstance(step, UntilStep) else step.expect
            if isinstance(condition, ReturnExpectation):
                _spelled(book, (*path, key, "function"), condition.function)


def _spelled(book: Notebook, path: Route, function: str) -> None:
    close = difflib.get_close_matches(function.lower(), FUNCTIONS, n=1, cutoff=ALIKE)
    if function not in FUNCTIONS and close:
        book.report(path, f"no function is called '{function}' (did you mean {close[0]}?)")


def windows_are_in_range(book: Notebook) -> None:
    """A coordination window is 5 to 300 seconds; another one is only set to see it refused."""
    for path, step in _steps(book):
        seconds: object = None
        if isinstance(step, AdminStep) and step.admin.action == "set_window":
            seconds, path = step.admin.value, (*path, "admin", "value")
        elif isinstance(step, CallStep) and step.call.function == "set_coordination_window":
            seconds, path = next(iter(step.call.args), None), (*path, "call", "args", 0)
        outside = isinstance(seconds, int) and not WINDOW_MIN <= seconds <= WINDOW_MAX
        to_succeed = isinstance(step, Acting) and not _may_fail(step)
        if outside and to_succeed:
            text = f"expected a window between {WINDOW_MIN}s and {WINDOW_MAX}s, got {seconds}s"
            book.report(path, f"{text}: the contract refuses it (to show that, add `expect: fail`)")
