"""One call's outcome, and one getter's answer, beside what the documented behaviour says of it."""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from lab.coordinator.behaviour import (
    ENDINGS,
    EXECUTION_WINDOW_SURE,
    THRESHOLD_SURE,
    TIMESTAMP_SURE,
    ZERO_ADDRESS,
    Behaviour,
)
from lab.coordinator.codec import Codec, DecodedLog
from lab.coordinator.documented import EVENTS, FAILURE_REASONS, FUNCTIONS, RESULTS, STORED
from lab.coordinator.reads import ZERO_ID
from lab.coordinator.refused import Forbidden, Refused
from lab.coordinator.values import plain
from lab.model.contract.batches import BATCHES, requests_of
from lab.model.record_parts.about import About, Difference, no_revert

EXPIRED, UNMET = FAILURE_REASONS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call did. `events` are decoded, those that the contract's ABI does not know left out."""

    ok: bool
    reason: str | None
    events: Sequence[DecodedLog]


def simulated(codec: Codec, result: Mapping[str, Any]) -> Outcome:
    """What a call of `eth_simulateV1` did."""
    ok = result["status"] == "0x1"
    events = [event for log in result["logs"] if (event := codec.decode_log(log)) is not None]
    return Outcome(ok, None if ok else codec.reasons.decoded(result["returnData"]), events)


def _past_horizon(codec: Codec, function: str, args: Sequence[Any], now: int) -> bool:
    """Whether a buffering asks for a timestamp further ahead than the project declares."""
    horizon = codec.names.limits.horizon_seconds
    return horizon is not None and any(request[5] > now + horizon for request in requests_of(function, args))


def difference(
    model: Behaviour, codec: Codec, function: str, args: Sequence[Any], sender: str, now: int, outcome: Outcome
) -> Difference | None:
    """What is not as documented; None if all is. The model moves on as the contract should have."""
    if not outcome.ok and (may_refuse(function, args) or model.may_overflow(function, args)):
        return None
    if not outcome.ok and (codec.is_beyond(function, args) or _past_horizon(codec, function, args, now)):
        return None
    may = function in ("pause", "unpause") or not (outcome.ok or model.reference)
    if may and changes_nothing(model, function, args, sender):
        return None
    if function == "resolve_batch" and model.breaker and not model.reference and outcome.ok:
        if late := _behind_the_stop(outcome):
            behind = f"got {', '.join(late)} behind EmergencyStop"
            return Difference(f"expected a batch to end where it stops the contract, {behind}")
        args = (_resolved(args[0], outcome),)
    either = set() if model.reference else late_and_unmet(model, function, args, now)
    before = copy.deepcopy(model.__dict__) if _may_decline(model, function) else None
    try:
        wanted = model.call(function, args, sender, now)
    except Refused as refused:
        return _refusal(model, function, refused, outcome)
    if not outcome.ok:
        if before is not None:
            model.__dict__.update(before)
            return None
        reason = outcome.reason or "without a reason"
        return Difference(f"expected success, it reverted: {reason}", About(refusals=((), (reason,))))
    expected = [_short_form(*event_args) for event_args in wanted if _expected(model, codec, *event_args)]
    names = {event["event"] for event in expected}
    names |= {name for name, event in EVENTS.items() if event.part == "documented"}
    got = [
        _short_form(event.event, EXPIRED if unmet(event, either) else detail_of(event))
        for event in outcome.events
        if model.reference or event.event in names
    ]
    return events_differing(got, expected)


def late_and_unmet(model: Behaviour, function: str, args: Sequence[Any], now: int) -> set[str]:
    """Ids to be resolved that fail for both reasons: the documentation does not say which one is named."""
    ids = args[0] if function == "resolve_batch" else args[:1] if function == "resolve_dependency" else ()
    known = {tx_id: model.entries[tx_id] for tx_id in ids if tx_id in model.entries}
    late = {tx_id: entry for tx_id, entry in known.items() if now > entry.timestamp + model.window}
    return {tx_id for tx_id, entry in late.items() if not model.is_met(entry.dependency)}


def unmet(event: DecodedLog, either: Container[str]) -> bool:
    """Whether an event names the dependency as the reason, where the other reason would do as well."""
    return event.args.get("reason") == UNMET and event.args.get("tx_id") in either


def may_refuse(function: str, args: Sequence[Any]) -> bool:
    """Whether a number is so large that the contract may refuse it, whatever the model says."""
    limits = {"set_execution_window": EXECUTION_WINDOW_SURE, "set_breaker_threshold": THRESHOLD_SURE}
    too_late = any(int(request[5]) > TIMESTAMP_SURE for request in requests_of(function, args))
    return too_late or (function in limits and int(args[0]) > limits[function])


def changes_nothing(model: Behaviour, function: str, args: Sequence[Any], sender: str) -> bool:
    """Whether a call would leave all as it is: an owner's, or an empty batch. Address zero is no account to add."""
    if function in BATCHES:
        return not args[0]
    if sender != model.owner:
        return False
    if function in ("add_operator", "remove_operator"):
        return args[0] == ZERO_ADDRESS or (args[0] in model.operators) == (function == "add_operator")
    present = {
        "pause": model.paused,
        "unpause": not model.paused,
        "set_coordination_window": model.window in args,
        "set_execution_window": model.execution_window in args,
        "set_breaker_threshold": model.threshold in args,
    }
    return present.get(function, False)


def _behind_the_stop(outcome: Outcome) -> list[str]:
    """What a batch did after it had stopped the contract. The failure that stopped it may be told after the stop."""
    names = [event.event for event in outcome.events]
    behind = names[names.index("EmergencyStop") + 1 :] if "EmergencyStop" in names else []
    own = behind[:1] == ["TransactionFailed"]
    return [name for name in behind[own:] if name in ("TransactionReady", "TransactionFailed", "EmergencyStop")]


def _resolved(tx_ids: Sequence[str], outcome: Outcome) -> Sequence[str]:
    """The ids that a batch came to: when a contract stops itself is its own affair, and the rest stays as it was."""
    ends = [event for event in outcome.events if event.event in ("TransactionReady", "TransactionFailed")]
    cut = bool(ends) and detail_of(ends[-1]) == EXPIRED
    return tx_ids[: len(ends)] if cut else tx_ids


def wanted_view(
    model: Behaviour, name: str, args: Sequence[Any], now: int, known: Container[str] = STORED
) -> list[Any]:
    """What a getter must return, value by value; states by name. Of `transactions` the fields that are `known`."""
    if not args:
        return [plain(model.view(name, now))]
    if name == "authorized_operators":
        return [args[0] in model.operators]
    if name.startswith("has_"):
        return [args[0] in model.holders[name.removeprefix("has_")]]
    entry = model.entries.get(args[0])
    if name == "is_transaction_ready":
        return [entry is not None and entry.state == "READY" and now >= entry.timestamp]
    state = entry.state if entry is not None else "EMPTY"
    if name == "get_transaction_state":
        return [state]
    fields: list[Any] = [ZERO_ADDRESS, ZERO_ADDRESS, "0x", ZERO_ID, 0]
    if entry is not None:
        fields = [entry.origin, entry.target, entry.payload, entry.dependency, entry.timestamp]
    whole = [*map(plain, fields), state]
    of = known if name == "transactions" else RESULTS[name]
    return [value for field, value in zip(STORED, whole, strict=True) if field in of]


def _refusal(model: Behaviour, function: str, refused: Refused, outcome: Outcome) -> Difference | None:
    """What is wrong where the call had to be refused."""
    if outcome.ok:
        # How a transaction ends that is not executed is for the contract to say, but not who may end it.
        own = function in ENDINGS or refused.reasons == ("Execution deadline passed",)
        if own and not model.reference and not isinstance(refused, Forbidden):
            return None
        return Difference(f"expected a revert with {refused}, it succeeded", no_revert(refused.reasons))
    if not all(model.binds(reason, function) for reason in refused.reasons):
        return None
    if refused.reasons and not any(text in (outcome.reason or "") for text in refused.reasons):
        about = About(refusals=(refused.reasons, (outcome.reason or "without a reason",)))
        return Difference(f"expected a revert with {refused}, it says {outcome.reason}", about)
    return None


def _may_decline(model: Behaviour, function: str) -> bool:
    """Whether a contract may have reasons of its own to refuse: in its optional parts, and past its own deadline."""
    if model.reference:
        return False
    if function == "mark_executed":
        return model.execution_window > 0
    return FUNCTIONS[function].part != "documented" and function not in BATCHES


def _expected(model: Behaviour, codec: Codec, name: str, detail: str) -> bool:
    """Whether the contract must emit it: one without an optional part has no events for it."""
    if model.reference:
        return name in codec.events
    return EVENTS[name].part == "documented" and model.binds(detail, "") if name in EVENTS else False


def detail_of(event: DecodedLog) -> str:
    """The part of an event that the model predicts, too."""
    return str(event.args.get(_subject(event.event), next(iter(event.args.values()), "")))


def _subject(name: str) -> str:
    """Which argument of an event that is; a documented one has a name, of others it is the first."""
    own = {"OwnershipProposed": "pending", "OwnershipTransferred": "current"}
    parameters = [parameter for parameter, _ in EVENTS[name].parameters] if name in EVENTS else ["argument"]
    return own.get(name, "reason" if "reason" in parameters else parameters[0])


def _short_form(name: str, detail: str) -> dict[str, str]:
    return {"event": name, _subject(name): detail}


def events_differing(got: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> Difference | None:
    """Names of the events where those differ, else the documented argument that does; None if all agree."""
    wanted, came = (tuple(str(event["event"]) for event in events) for events in (expected, got))
    if wanted != came:
        return Difference(f"expected {_counted(wanted)}, got {_counted(came)}", About(events=(wanted, came)))
    for mine, other in zip(got, expected, strict=True):
        for key, value in other.items():
            if plain(mine.get(key)) != plain(value):
                return argument_differing(str(other["event"]), key, value, mine.get(key))
    return None


def argument_differing(event: str, argument: str, expected: Any, got: Any) -> Difference:
    """One argument of an event that is another than the documented one."""
    words = f"expected {event} with {argument} {_short(expected)}, got {_short(got)}"
    return Difference(words, About(events=((event,), (event,)), argument=argument))


def view_differing(
    name: str, got: Sequence[Any], expected: Sequence[Any], when: str, fields: Sequence[str] = ()
) -> Difference | None:
    """The first value of a getter that differs, by its field where it has several; None if all agree.

    What was given is not repeated before the semicolon, so that the same mistake reads the same whatever was drawn.
    """
    if got == expected:
        return None
    differing = [place for place, pair in enumerate(zip(got, expected, strict=False)) if pair[0] != pair[1]]
    if len(got) != len(expected) or not differing:
        return Difference(f"expected {name} {when} to have {len(expected)} values; got {len(got)}")
    place = differing[0]
    came, given = got[place], expected[place]
    field = fields[place] if len(expected) == len(fields) > 1 else ""
    of, about = f"{field} of {name}" if field else name, about_view(field or name, given, came)
    if str(given).startswith("0x") or (isinstance(given, int) and given > 2**32):
        words = f"expected {of} {when} to be as given; wanted {_beside(given, came)}, got {_beside(came, given)}"
        return Difference(words, about)
    return Difference(f"expected {of} {when} to be {given}, got {came}", about)


def about_view(name: str, expected: Any, got: Any) -> About:
    """What a getter, or a field that one shows, is about; of a state which one it should be, and which it is."""
    if name in ("state", "get_transaction_state"):
        return About(states=(str(expected), str(got)))
    # Histories call these fields by shorter names.
    return About(field=name.removesuffix("_rollup").removesuffix("_tx_id"))


def _beside(value: Any, other: Any) -> str:
    """A value, short; bytes with their number, and from where on they differ from others."""
    if not str(value).startswith("0x") or len(str(value)) == len(str(other)) <= 66:
        return _short(value)
    mine, theirs = (bytes.fromhex(str(one)[2:]) if str(one).startswith("0x") else b"" for one in (value, other))
    at = next((i for i, pair in enumerate(zip(mine, theirs, strict=False)) if pair[0] != pair[1]), len(theirs))
    return f"{len(mine)} bytes, from byte {at} on 0x{mine[at : at + 8].hex()}"


def _counted(names: Sequence[str]) -> str:
    runs = [(name, len(list(run))) for name, run in groupby(names)]
    return " and ".join(f"{count} {name}" if count > 1 else name for name, count in runs) or "no documented event"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 42 else f"{text[:12]}…{text[-6:]}"


def shortened(args: Any) -> str:
    """Arguments for people, without the bulk of a payload."""
    if isinstance(args, (list, tuple)):
        return "(" + ", ".join(shortened(item) for item in args) + ")"
    text = hex(args) if isinstance(args, int) and args >= 2**64 else str(args)
    return text if len(text) <= 20 else f"{text[:10]}… ({len(text) // 2 - 1} bytes)"
