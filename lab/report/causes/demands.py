"""What was asked of a call and what it came to: which refusal or event is missing, or came without cause."""

from __future__ import annotations

from collections import Counter

from lab.model.record_parts.about import About, Names
from lab.report.causes.documentation import reasons_of

# The reasons of refusals that checks ask for by themselves.
_REFUSALS = {"S6": ("Not authorized", "Only owner", "Only pending owner"), "S10": ("is paused",)}
_ORDER = ("EMPTY", "BUFFERED", "READY", "EXECUTED")


def demanded(function: str, about: About) -> str:
    """Which refusal an expectation asks for: the check that asks for the same, else the documented reason."""
    if about.events is not None:
        return f"{about.events[0][0]} {about.argument}" if about.argument else _events_differing(*about.events)
    if about.refusals is None:
        return ""
    wanted, came = about.refusals
    said = " or ".join((*wanted, *came))
    check = next((check for check, reasons in _REFUSALS.items() if any(reason in said for reason in reasons)), "")
    documented = next((reason for reason in reasons_of(function) if reason in said), "")
    return check or documented or " or ".join(wanted) or (f"no {came[0]}" if came else "")


def came_of(about: About) -> str:
    """By what the line is found that decided: the reason or event that came, else the one that did not, or a getter."""
    wanted, came = about.events or about.refusals or ((), ())
    return next(iter((*came, *wanted)), about.field)


def not_stored(about: About) -> bool:
    """Whether the storage lacks a state that a call announced."""
    states = about.states or ("", "")
    return set(states) <= set(_ORDER) and _ORDER.index(states[0]) > _ORDER.index(states[1])


def _events_differing(expected: Names, came: Names) -> str:
    """Which events are missing, and which came instead or beside, however many others agree."""
    first, second = Counter(expected), Counter(came)
    missing, more = (" and ".join(sorted(names)) for names in (first - second, second - first))
    return f"{missing or 'nothing'} not {more or 'nothing'}"
