"""One call's outcome beside what the documented behaviour says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab.coordinator.behaviour import Behaviour, Refused, may_refuse
from lab.coordinator.codec import Codec, DecodedLog
from lab.coordinator.documented import EVENTS, EXTRA_EVENTS

KNOWN = EVENTS.keys() | EXTRA_EVENTS.keys()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call did. `events` are decoded, those that the contract's ABI does not know left out."""

    ok: bool
    reason: str | None
    events: Sequence[DecodedLog]


def difference(
    model: Behaviour, codec: Codec, function: str, args: Sequence[Any], sender: str, now: int, outcome: Outcome
) -> str | None:
    """What is not as documented; None if all is. The model moves on as the contract should have."""
    if not outcome.ok and (may_refuse(function, args) or model.may_overflow(function, args)):
        return None
    if {"pause": True, "unpause": False}.get(function) == model.paused and sender == model.owner:
        # Stopping what is stopped changes nothing, whether it is refused or not.
        return None
    try:
        wanted = model.call(function, args, sender, now)
    except Refused as refused:
        if outcome.ok:
            return f"expected a revert with {refused}, it succeeded"
        if refused.reasons and not any(text in (outcome.reason or "") for text in refused.reasons):
            return f"expected a revert with {refused}, it says {outcome.reason}"
        return None
    if not outcome.ok:
        return f"expected success, it reverted: {outcome.reason or 'without a reason'}"
    # What a contract emits beyond the documentation says nothing about what is documented.
    got = [(event.event, told(event)) for event in outcome.events if event.event in KNOWN]
    # A contract without a capability has no events for it.
    expected = [each for each in wanted if each[0] in codec.events]
    return None if got == expected else f"expected the events {expected}, got {got}"


def told(event: DecodedLog) -> str:
    """The part of an event that the model tells, too."""
    subject = {"OwnershipProposed": "pending", "OwnershipTransferred": "current", "EmergencyStop": "reason"}
    key = subject.get(event.event, "reason" if "reason" in event.args else None)
    return str(event.args[key] if key else next(iter(event.args.values())))


def shortened(args: Any) -> str:
    """Arguments for people, without the bulk of a payload."""
    if isinstance(args, (list, tuple)):
        return "(" + ", ".join(shortened(each) for each in args) + ")"
    text = hex(args) if isinstance(args, int) and args >= 2**64 else str(args)
    return text if len(text) <= 20 else f"{text[:10]}… ({len(text) // 2 - 1} bytes)"
