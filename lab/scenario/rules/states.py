"""Lint rules for what a file expects of states: each can come true, and none contradicts one that stands above it.

They speak of a correct contract, and only where nothing in the file could make it otherwise: after a reorg states go
back, so that nothing is said of the order any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.coordinator.documented import FUNCTIONS
from lab.faults import Fault
from lab.model.step import StepBase
from lab.model.units import format_duration
from lab.scenario.declared import Notebook, full_name
from lab.scenario.expectations import LatencyExpectation, RevertOutcome, StateExpectation
from lab.scenario.model import LegUse
from lab.scenario.steps import (
    Acting,
    AdminStep,
    BufferStep,
    CallStep,
    ExecuteStep,
    ExpectStep,
    ResolveStep,
    UntilStep,
)
from lab.yamlsource import Route

COMES_AFTER = {
    "BUFFERED": ("BUFFERED", "READY", "EXECUTED", "EXPIRED"),
    "READY": ("READY", "EXECUTED", "EXPIRED"),
    "EXECUTED": ("EXECUTED",),
    "EXPIRED": ("EXPIRED",),
}
"""The states in which a transaction may be later, by the one that it was in."""

_WORKING = {
    "resolve_dependency",
    "resolve_batch",
    "mark_executed",
    "execute_batch",
    "mark_failed",
    "expire_transaction",
}
_ENDING = {"mark_failed", "set_execution_window", "set_coordination_window"}


@dataclass(slots=True)
class _Course:
    """What is known of the legs at one step of the timeline."""

    legs: dict[str, LegUse]
    parents: dict[str, str | None]
    faulty: bool = False
    reorged: bool = False
    windows_change: bool = False
    buffered: dict[str, int] = field(default_factory=dict)
    seen: dict[str, tuple[str, int]] = field(default_factory=dict)

    def ancestors(self, leg: str) -> Iterator[str]:
        """Parent, grandparent and so on; a circle is gone round once."""
        met = {leg}
        here = self.parents.get(leg)
        while here is not None and here in self.legs and here not in met:
            yield here
            met.add(here)
            here = self.parents.get(here)


def may_fail(step: StepBase) -> bool:
    """Whether the file says that this call reverts."""
    return isinstance(step, Acting) and (step.expect == "fail" or isinstance(step.expect, RevertOutcome))


def legs_of(book: Notebook) -> dict[str, LegUse]:
    """All legs that have the right shape, as flow.leg."""
    return {f"{flow}.{name}": leg for flow, legs in book.file.flows.items() for name, leg in legs.items()}


def buffered_by(step: StepBase, legs: dict[str, LegUse]) -> list[str]:
    """The legs that a step is meant to buffer; functions of the contract's own may do that, too."""
    if isinstance(step, BufferStep):
        return [name for name in legs if name == step.buffer or name.partition(".")[0] == step.buffer]
    if isinstance(step, CallStep) and (step.call.function not in FUNCTIONS or "buffer" in step.call.function):
        return _mentioned(step, legs)
    return []


def _mentioned(step: CallStep, legs: dict[str, LegUse]) -> list[str]:
    words = set(_words(step.call.args))
    return [name for name in legs if name in words]


def _words(arguments: object) -> Iterator[object]:
    if isinstance(arguments, (list, tuple)):
        for argument in arguments:
            yield from _words(argument)
    else:
        yield arguments


def states_can_be(book: Notebook) -> None:
    """No step needs what no step before it has brought about, and no expectation contradicts an earlier one.

    A file that buffers nothing at all leaves that to a program of the user's.
    """
    legs = legs_of(book)
    steps = list(enumerate(book.file.timeline))
    if not any(buffered_by(step, legs) for _, step in steps):
        return
    uses = {f"{flow}.{name}": (flow, use) for flow, several in book.file.flows.items() for name, use in several.items()}
    course = _Course(legs, {name: full_name(flow, use) for name, (flow, use) in uses.items()})
    course.windows_change = any(_ends_otherwise(step) for _, step in steps)
    for index, step in steps:
        _acts(book, course, index, step)
        if isinstance(step, (UntilStep, ExpectStep)):
            _expects(book, course, index, step)


def _ends_otherwise(step: StepBase) -> bool:
    """Whether a step changes what ends a transaction: READY ones may expire then, and windows be longer."""
    if isinstance(step, AdminStep):
        return step.admin.action in ("set_window", "set_execution_window")
    return isinstance(step, CallStep) and (step.call.function in _ENDING or step.call.function not in FUNCTIONS)


def _acts(book: Notebook, course: _Course, index: int, step: StepBase) -> None:
    """What a step does to legs."""
    if isinstance(step, Fault):
        course.faulty = True
        course.reorged = course.reorged or step.reorg_depth_blocks > 0
    if not isinstance(step, Acting):
        return
    if may_fail(step):
        return
    path, worked_on = _worked_on(course, index, step)
    for leg in worked_on:
        if leg not in course.buffered:
            book.report(path, f"no earlier step buffers {leg}, so the contract refuses this: {_add(leg)}")
    for leg in buffered_by(step, course.legs):
        if isinstance(step, BufferStep) and leg in course.buffered and not course.faulty:
            line = book.source.position(("timeline", course.buffered[leg]))[0]
            text = f"{leg} is already buffered in line {line}: the contract takes each id once"
            book.report(("timeline", index, "buffer"), f"{text} (to show that, add `expect: fail`)")
        course.buffered.setdefault(leg, index)


def _worked_on(course: _Course, index: int, step: Acting) -> tuple[Route, list[str]]:
    """Where a call stands that needs buffered legs, and which."""
    here = ("timeline", index)
    if isinstance(step, ResolveStep):
        return (*here, "resolve"), [leg for leg in course.legs if leg == step.resolve]
    if isinstance(step, ExecuteStep):
        return (*here, "execute"), [leg for leg in course.legs if leg == step.execute]
    if isinstance(step, CallStep) and step.call.function in _WORKING:
        return (*here, "call", "args"), _mentioned(step, course.legs)
    return here, []


def _add(leg: str) -> str:
    return f"add `buffer: {leg}` above"


def _expects(book: Notebook, course: _Course, index: int, step: UntilStep | ExpectStep) -> None:
    """The first reason why an expectation cannot come true, and what is known once it has."""
    key = "until" if isinstance(step, UntilStep) else "expect"
    condition = step.until if isinstance(step, UntilStep) else step.expect
    if not isinstance(condition, (StateExpectation, LatencyExpectation)) or condition.leg not in course.legs:
        return
    leg, path = condition.leg, ("timeline", index, key)
    state = condition.state if isinstance(condition, StateExpectation) else _reached(condition)
    if leg not in course.buffered:
        if state != "EMPTY":
            book.report((*path, "leg"), f"no earlier step buffers {leg}, so it stays EMPTY: {_add(leg)}")
        return
    against = None
    if state in ("READY", "EXECUTED"):
        against = _never_ready(book, course, leg)
    against = against or _contradiction(book, course, leg, state)
    if against is not None:
        book.report((*path, "state" if isinstance(condition, StateExpectation) else "latency"), against)
    elif isinstance(condition, StateExpectation) and not course.reorged:
        _learn(course, leg, state, index)


def _reached(condition: LatencyExpectation) -> str:
    return "READY" if condition.latency == "to_ready" else "EXECUTED"


def _never_ready(book: Notebook, course: _Course, leg: str) -> str | None:
    """Why a correct contract never lets the leg become READY."""
    window = book.file.window_ms
    for parent in course.ancestors(leg):
        if parent not in course.buffered:
            return f"no earlier step buffers {parent}, which {leg} depends on: {_add(parent)}"
        seen, where = course.seen.get(parent, ("", 0))
        if course.windows_change or course.reorged:
            continue
        if seen == "EXPIRED":
            line = book.source.position(("timeline", where))[0]
            return f"{leg} depends on {parent}, which is EXPIRED by line {line}: it never becomes READY"
        end, due = course.legs[leg].at_ms + window, course.legs[parent].at_ms
        if end < due:
            return (
                f"{leg}'s window ends at {format_duration(end)}, before {parent}, which it depends on, is due at "
                f"{format_duration(due)}: it never becomes READY"
            )
    return None


def _contradiction(book: Notebook, course: _Course, leg: str, state: str) -> str | None:
    """What an earlier step says that cannot be true together with this state."""
    if course.reorged:
        return None
    if state == "EMPTY":
        line = book.source.position(("timeline", course.buffered[leg]))[0]
        return None if course.faulty else f"{leg} is buffered in line {line} and cannot be EMPTY again"
    seen, index = course.seen.get(leg, ("", 0))
    if not seen or state in COMES_AFTER[seen] or (seen == "EXPIRED" and course.windows_change):
        return None
    line = book.source.position(("timeline", index))[0]
    return f"line {line} shows that {leg} is {seen} by now: it cannot be {state} later"


def _learn(course: _Course, leg: str, state: str, index: int) -> None:
    if state == "EMPTY":
        return
    course.seen[leg] = (state, index)
    if state in ("READY", "EXECUTED"):
        for parent in course.ancestors(leg):
            if course.seen.get(parent, ("BUFFERED", 0))[0] == "BUFFERED":
                course.seen[parent] = ("READY", index)
