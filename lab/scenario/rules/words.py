"""Lint rules for the contract's vocabulary: functions and events are spelled right, and values fit their types."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator

from lab.coordinator.documented import EVENTS, EXTRA_EVENTS, FUNCTIONS, RESULTS
from lab.model.step import ROLES, StepBase
from lab.scenario.declared import Notebook
from lab.scenario.expectations import EventOutcome, ReturnExpectation
from lab.scenario.steps import Acting, CallStep, ExpectStep, UntilStep
from lab.validation import shown
from lab.yamlsource import Route

# Others may be the contract's own; this much like a known one is a typing error.
ALIKE = 0.9

_FORMS = {
    "bytes32": "a leg as flow.leg, or 0x and 64 hex digits",
    "address": "a role, or 0x and 40 hex digits",
    "bytes": "0x and hex digits in pairs",
    "uint256": "a whole number",
    "bool": "true or false",
}
_SIZES = {"bytes32": 64, "address": 40}


def _steps(book: Notebook) -> Iterator[tuple[Route, StepBase]]:
    for index, step in enumerate(book.file.timeline):
        yield ("timeline", index), step


def _view(step: StepBase) -> tuple[str, ReturnExpectation] | None:
    """What a step expects of a view function, and under which key."""
    if not isinstance(step, (UntilStep, ExpectStep)):
        return None
    key = "until" if isinstance(step, UntilStep) else "expect"
    condition = step.until if isinstance(step, UntilStep) else step.expect
    return (key, condition) if isinstance(condition, ReturnExpectation) else None


def names_are_spelled(book: Notebook) -> None:
    """A function or an event that is almost a known one is that one, misspelled."""
    for path, step in _steps(book):
        view = _view(step)
        if isinstance(step, CallStep):
            _spelled(book, (*path, "call", "function"), "function", step.call.function, FUNCTIONS)
        elif view is not None:
            _spelled(book, (*path, view[0], "function"), "function", view[1].function, FUNCTIONS)
        if isinstance(step, Acting) and isinstance(step.expect, EventOutcome):
            _spelled(book, (*path, "expect", "event"), "event", step.expect.event, {*EVENTS, *EXTRA_EVENTS})


def _spelled(book: Notebook, path: Route, what: str, name: str, known: Collection[str]) -> None:
    close = like(name, known)
    if close is not None:
        book.report(path, f"no {what} is called '{name}' (did you mean {close}?)")


def like(name: str, known: Collection[str]) -> str | None:
    """The known name that this one, which is none of them, was probably meant to be."""
    folded = {word.lower(): word for word in known}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=ALIKE)
    return folded[close[0]] if name not in known and close else None


def values_fit(book: Notebook) -> None:
    """What documented functions take and return has the documented types: nothing else can be sent or compared."""
    for path, step in _steps(book):
        view = _view(step)
        if isinstance(step, CallStep):
            _arguments(book, (*path, "call", "args"), step.call.function, step.call.args)
        elif view is not None:
            key, condition = view
            _arguments(book, (*path, key, "args"), condition.function, condition.args)
            _result(book, (*path, key), condition)


def _arguments(book: Notebook, path: Route, function: str, arguments: tuple[object, ...]) -> None:
    signature = FUNCTIONS.get(function)
    if signature is None or len(arguments) < len(signature.types):
        return
    for index, ((name, kind), value) in enumerate(zip(signature.parameters, arguments, strict=False)):
        if not _fits(kind, value):
            book.report((*path, index), f"expected {name}: {_FORMS[kind]}, got {shown(value)}")


def _result(book: Notebook, path: Route, condition: ReturnExpectation) -> None:
    signature = FUNCTIONS.get(condition.function)
    if signature is None or condition.function in RESULTS:
        return
    if not signature.returns:
        text = f"{condition.function} returns nothing that could be expected: call it in a step `call`"
        book.report((*path, "function"), text)
    elif len(signature.returns) == 1 and not _fits(signature.returns[0], condition.returns):
        text = f"{condition.function} returns {_FORMS[signature.returns[0]]}, got {shown(condition.returns)}"
        book.report((*path, "returns"), text)


def _fits(kind: str, value: object) -> bool:
    """Whether a value can be one of a type. Of misspelt words another rule speaks; a number is a yes unless it is 0."""
    if kind not in _FORMS:
        return True
    if not isinstance(value, str):
        number = isinstance(value, int) and not isinstance(value, bool)
        return number if kind == "uint256" else kind == "bool" and isinstance(value, (bool, int))
    if kind in ("uint256", "bool"):
        return False
    if value.startswith("0x"):
        return kind not in _SIZES or len(value) == _SIZES[kind] + 2
    if value in ROLES:
        return kind == "address"
    return kind == "bytes32" if re.fullmatch(r"[\w-]+\.[\w-]+", value) else True
