"""Finds the contract's events by what each step logged: by the values in it, and by what only that step's log has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from lab.coordinator.documented import EVENTS
from lab.coordinator.outputs.logs import EventLayout
from lab.coordinator.overloads import Entry, signature_of, types_of
from lab.deploy.proposal.bench import HEIR, OWNER, STRANGER, Outcome, Use
from lab.deploy.proposal.course import CHILD, PARENT, Course
from lab.deploy.proposal.subject import ORIGIN, TARGET, Tried

# Which step logs an event, and what its arguments are there.
SOUGHT: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "TransactionBuffered": (("buffered",), {"tx_id": PARENT, "origin_rollup": ORIGIN, "target_rollup": TARGET}),
    "TransactionReady": (("ready",), {"tx_id": PARENT}),
    "TransactionFailed": (("early", "late"), {"tx_id": PARENT}),
    "EmergencyStop": (("stopped",), {"caller": OWNER}),
    "EmergencyStopLifted": (("lifted",), {"caller": OWNER}),
    "OwnershipProposed": (("proposed",), {"current": OWNER, "pending": HEIR}),
    "OwnershipTransferred": (("accepted",), {"previous": OWNER, "current": HEIR}),
    "BreakerThresholdSet": (("threshold",), {"threshold": 7}),
    "ExecutionWindowSet": (("execution window",), {"window": 7}),
}


@dataclass(frozen=True)
class Seen:
    """One log of the contract: which event of its ABI, and its arguments."""

    entry: Entry
    args: Mapping[str, Any]

    @property
    def signature(self) -> str:
        """The event's."""
        return signature_of(self.entry)


Logs = Mapping[str, Sequence[Sequence[Seen]]]


@dataclass(frozen=True)
class EventMatch:
    """The contract's event for a documented one: its arguments by documented names, and what only this one has."""

    entry: Entry
    arguments: Mapping[str, str]
    where: Mapping[str, Any]
    step: str


def more_steps(tried: Tried) -> dict[str, list[Outcome]]:
    """What else the contract logs: stops, hand-overs, settings, and roles that are given and taken."""
    steps: dict[str, list[Outcome]] = {}
    bench = tried.bench

    def step(name: str, use: Use | None, sender: str = OWNER, **values: Any) -> None:
        if use is not None:
            steps.setdefault(name, []).append(bench.send(use, sender, **values))

    uses = tried.uses
    with bench.undone():
        for _ in range(2):
            step("stopped", uses.get("pause"))
            step("lifted", uses.get("unpause"))
        step("proposed", uses.get("propose_owner"), new_owner=HEIR)
        step("accepted", uses.get("accept_ownership"), HEIR)
    # The same function with other constants is another step, whatever comes before it.
    for other in _variants(tried, "pause"):
        with bench.undone():
            step("another stop", other)
        with bench.undone():
            bench.send(uses["pause"], OWNER)
            step("another stop", other)
    with bench.undone():
        step("window", uses.get("set_coordination_window"), window_seconds=59)
        step("threshold", uses.get("set_breaker_threshold"), threshold=7)
        step("execution window", uses.get("set_execution_window"), window_seconds=7)
        for place, role in enumerate(tried.roles):
            step(f"role {place}", role.grant, operator=STRANGER)
            step(f"role {place} taken", role.revoke, operator=STRANGER)
    return steps


def _variants(tried: Tried, name: str) -> list[Use]:
    """The same function with other constants than those that stop or let go on."""
    use, known = tried.uses.get(name), [tried.uses.get("pause"), tried.uses.get("unpause")]
    if use is None:
        return []
    return [one for one in tried.candidates.calls([]) if one.signature == use.signature and one not in known]


def find_events(tried: Tried, course: Course, abi: Sequence[Entry]) -> dict[str, EventMatch]:
    """By documented name, those of which a step logged one."""
    events = [entry for entry in abi if entry.get("type") == "event"]
    logs = {
        name: [seen_by(events, outcome) for outcome in outcomes]
        for name, outcomes in (course.steps | more_steps(tried)).items()
    }
    matches = {}
    for name, (steps, values) in SOUGHT.items():
        for step in steps:
            match = _match(name, step, logs, values | ({"timestamp": course.due} if step == "buffered" else {}), steps)
            if match is not None:
                matches[name] = match
                break
    return matches


def seen_by(events: Sequence[Entry], outcome: Outcome) -> list[Seen]:
    """The logs of these events, as far as they decode."""
    by_topic = {"0x" + keccak(text=signature_of(entry)).hex(): entry for entry in events}
    seen = []
    for log in outcome.logs:
        entry = by_topic.get(str(log["topics"][0]).lower()) if log["topics"] else None
        args = EventLayout.of(entry).decoded(log) if entry is not None else None
        if entry is not None and args is not None:
            seen.append(Seen(entry, args))
    return seen


def _match(name: str, step: str, logs: Logs, values: Mapping[str, Any], steps: Sequence[str]) -> EventMatch | None:
    """The log of a step that holds most of what the documented event says, told from those of all other steps."""
    others = [seen for other, samples in logs.items() if other not in steps for several in samples for seen in several]
    again = [seen for one in steps for several in logs.get(one, ()) for seen in several]
    best: EventMatch | None = None
    for seen in (logs.get(step) or [[]])[0]:
        wanted = dict(values) | ({"tx_id": CHILD} if step == "late" else {})
        arguments: dict[str, str] = {}
        for documented, value in wanted.items():
            own = next((own for own, got in seen.args.items() if got == value and own not in arguments.values()), None)
            if own is not None:
                arguments[documented] = own
        if "tx_id" in wanted and "tx_id" not in arguments:
            continue
        same = [other for other in again if other.signature == seen.signature]
        if "reason" in dict(EVENTS[name].parameters) and (reason := _reason(seen, arguments, same)) is not None:
            arguments["reason"] = reason
        where = _only(seen, same, [other for other in others if other.signature == seen.signature], arguments)
        rank = (seen.entry["name"] == name, len(arguments))
        if (
            where is not None
            and arguments
            and (best is None or rank > (best.entry["name"] == name, len(best.arguments)))
        ):
            order = [parameter for parameter, _ in EVENTS[name].parameters if parameter in arguments]
            best = EventMatch(seen.entry, {parameter: arguments[parameter] for parameter in order}, where, step)
    return best


def _reason(seen: Seen, arguments: Mapping[str, str], same: Sequence[Seen]) -> str | None:
    """What says why: what differs between too early and too late, else the only text."""
    free = {
        str(one["name"]): kind for one, kind in zip(seen.entry["inputs"], types_of(seen.entry["inputs"]), strict=True)
    }
    free = {own: kind for own, kind in free.items() if own not in arguments.values()}
    texts = [own for own, kind in free.items() if kind == "string"]
    codes = [
        own
        for own, kind in free.items()
        if kind not in ("address", "string") and len({str(other.args[own]) for other in same}) > 1
    ]
    return next(iter([*texts, *codes]), None) if len(texts) == 1 or (not texts and len(codes) == 1) else None


def _only(
    seen: Seen, same: Sequence[Seen], others: Sequence[Seen], arguments: Mapping[str, str]
) -> dict[str, Any] | None:
    """Values that all samples of the step have and no other step, as few as it takes; None where there are none."""
    left, where = list(others), {}
    usable = {
        own: value
        for own, value in seen.args.items()
        if own not in arguments.values()
        and all(other.args[own] == value for other in same)
        and (isinstance(value, (bool, int)) or (isinstance(value, str) and len(value) == 66))
    }
    while left:
        apart = {own: sum(other.args[own] != value for other in left) for own, value in usable.items()}
        own = max(apart, key=lambda name: apart[name], default=None)
        if own is None or not apart[own]:
            return None
        where[own] = usable[own]
        left = [other for other in left if other.args[own] == usable[own]]
    return where


def reason_of(match: EventMatch | None, course: Course, step: str) -> Any:
    """The reason that a failure's event gave at a step."""
    if match is None or "reason" not in match.arguments:
        return None
    with suppress(IndexError, KeyError):
        return seen_by([match.entry], course.steps[step][0])[0].args[match.arguments["reason"]]
    return None
