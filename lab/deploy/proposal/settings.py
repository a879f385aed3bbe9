"""Finds by trial what sets and reads the contract's settings, what stops it, and how it changes hands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lab.coordinator.documented import FUNCTIONS
from lab.deploy.proposal.bench import HEIR, OPERATOR, OWNER, Use
from lab.deploy.proposal.course import Course
from lab.deploy.proposal.likeness import alike, likeness
from lab.deploy.proposal.subject import INSIDE_S, LEAD_S, PAST_S, Tried, id_of

MOMENTS = (("start", "buffered"), ("buffered", "executed"), ("before", "late"))
SETTERS = {"breaker_threshold": "set_breaker_threshold", "execution_window": "set_execution_window"}


def find_settings(tried: Tried, course: Course) -> None:
    """The window and its setter, other settings that have one, the counters, and the owner."""
    _window(tried)
    numbers = course.numbers
    _others(tried)
    counted = [use for use, value in numbers["start"].items() if type(value) is int]
    for use in counted:
        said = {moment: values.get(use, 0) for moment, values in numbers.items()}
        steps = [said[after] - said[before] for before, after in MOMENTS]
        if steps == [2, 0, 0]:
            tried.said("transaction_count", use, "each buffering adds one to it, and nothing else")
        if steps == [0, 0, 1]:
            tried.said("failure_count", use, "a transaction that is resolved too late adds one to it")
    owners = [use for use, value in numbers["start"].items() if str(value).lower() == OWNER]
    if len(owners) == 1:
        tried.said("owner", owners[0], "it gives the account that deployed the contract")


def _others(tried: Tried) -> None:
    """Settings beside the window that are set to what they were given: their names say which they are."""
    window = {tried.uses.get("set_coordination_window"), tried.uses.get("coordination_window")}
    getters = [getter for getter in views_of(tried) if getter not in window]
    for getter_name, function in SETTERS.items():
        parameter, _ = FUNCTIONS[function].parameters[0]
        for use in tried.calls(function, extra=False):
            for getter in getters if use not in window else ():
                named = max(SETTERS, key=lambda name: alike(name, getter.name)) == getter_name
                if named and likeness(getter_name, getter.name) and _sets(tried, use, parameter, getter):
                    tried.said(getter_name, getter, f"{use.name} sets it, and its name says which setting it is")
                    tried.said(function, use, f"it sets {getter.name}, whose name says which setting it is")


def views_of(tried: Tried) -> list[Use]:
    """The getters that take nothing."""
    return list(tried.candidates.views([]))


def value_of(tried: Tried, use: Use) -> Any:
    """What one of them gives now, where that is one value."""
    got = tried.bench.read(use)
    return got[0] if got and len(got) == 1 else None


def _sets(tried: Tried, use: Use, parameter: str, getter: Use) -> bool:
    """Whether the getter gives what the function was given, twice."""
    with tried.bench.undone():
        for value in (7, 9):
            if not tried.bench.send(use, OWNER, **{parameter: value}).done or value_of(tried, getter) != value:
                return False
    return True


def _window(tried: Tried) -> None:
    """It takes 5 to 300 and refuses what lies beside."""
    for use in tried.calls("set_coordination_window", extra=False):
        taken = [tried.bench.ask(use, OWNER, window_seconds=value).done for value in (4, 5, 59, 300, 301)]
        if taken != [False, True, True, True, False]:
            continue
        tried.said("set_coordination_window", use, "it takes 5 to 300 and nothing beside")
        with tried.bench.undone():
            tried.bench.send(use, OWNER, window_seconds=59)
            getters = [getter for getter in views_of(tried) if value_of(tried, getter) == 59]
            tried.bench.send(use, OWNER, window_seconds=61)
            getters = [getter for getter in getters if value_of(tried, getter) == 61]
        if len(getters) == 1:
            tried.said("coordination_window", getters[0], f"{use.name} sets it")


def find_stop(tried: Tried) -> Any:
    """What stops every operator function and what lifts that again, and the getter that tells.

    Returns what the getter said while stopped.
    """
    bench = tried.bench
    with bench.undone():
        able = _every_operation(tried)
        if not all(able()):
            return None
        calls = [*tried.candidates.calls([])]
        known = {"pause": tried.candidates.documented("pause"), "unpause": tried.candidates.documented("unpause")}
        before = {use: value_of(tried, use) for use in views_of(tried)}
        for use in known["pause"] or calls:
            if len(use.slots) > 1 or not bench.ask(use, OWNER).done:
                continue
            with bench.undone():
                bench.send(use, OWNER)
                if any(able()):
                    continue
                during = {getter: value_of(tried, getter) for getter in before}
                lift = _lift(tried, known["unpause"] or calls, able)
                if lift is None:
                    continue
                bench.send(lift, OWNER)
                tells = [
                    getter
                    for getter, value in during.items()
                    if value
                    and not before[getter]
                    and type(value) in (bool, int)
                    and value_of(tried, getter) == before[getter]
                ]
            tried.said("pause", use, "after it no operator function succeeds")
            tried.said("unpause", lift, "after it operator functions succeed again")
            if tells:
                getter = max(tells, key=lambda one: alike("paused", one.name))
                tried.said("paused", getter, f"it says yes from {use} to {lift}")
                return during[getter]
            return None
    return None


def _every_operation(tried: Tried) -> Callable[[], list[bool]]:
    """Asks whether the operator can buffer, resolve, execute and, where it is there, expire."""
    bench = tried.bench
    tried.give_roles()
    if "expire_transaction" in tried.uses:
        tried.buffer(13)
        bench.until(bench.now + PAST_S)
    due = bench.now + LEAD_S
    for number in (11, 12):
        tried.buffer(number, timestamp=due)
    bench.until(due + INSIDE_S)
    tried.sent("resolve_dependency", tx_id=id_of(11))

    def able() -> list[bool]:
        steps = [("resolve_dependency", 12), ("mark_executed", 11), ("expire_transaction", 13)]
        steps = [(name, number) for name, number in steps if name in tried.uses]
        return [tried.buffers(OPERATOR), *(tried.asked(name, tx_id=id_of(number)).done for name, number in steps)]

    return able


def _lift(tried: Tried, calls: Sequence[Use], able: Callable[[], list[bool]]) -> Use | None:
    for use in calls:
        if len(use.slots) <= 1 and tried.bench.ask(use, OWNER).done:
            with tried.bench.undone():
                tried.bench.send(use, OWNER)
                if all(able()):
                    return use
    return None


def find_handover(tried: Tried) -> None:
    """What proposes an owner, and what lets that one accept."""
    bench = tried.bench
    if "owner" not in tried.uses:
        return
    accepts = tried.calls("accept_ownership", extra=False)
    for use in tried.calls("propose_owner", extra=False):
        with bench.undone():
            if (
                not bench.send(use, OWNER, new_owner=HEIR).done
                or str(value_of(tried, tried.uses["owner"])).lower() != OWNER
            ):
                continue
            pending = [one for one in views_of(tried) if str(value_of(tried, one)).lower() == HEIR]
            for accept in accepts:
                with bench.undone():
                    done = bench.send(accept, HEIR).done and str(value_of(tried, tried.uses["owner"])).lower() == HEIR
                if done:
                    tried.said("propose_owner", use, f"{accept.name} then makes an owner of whom it names")
                    tried.said("accept_ownership", accept, f"it makes an owner of whom {use.name} named")
                    if len(pending) == 1:
                        tried.said("pending_owner", pending[0], f"it gives whom {use.name} named")
                    return
