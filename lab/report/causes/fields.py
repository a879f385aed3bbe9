"""Which field of a transaction, which getter of the contract, or which state a message is about."""

from __future__ import annotations

import re

# What a transaction is buffered with, and the storage shows otherwise.
STORED = re.compile(r"\b(origin|target|payload|dependency|timestamp): expected \S+, stored ")
# The same, as a view shows it in a sequence that nobody mined.
_VIEWED = re.compile(r"\b(\w+) of (?:get_transaction_details|transactions) ")
# What the whole contract holds, by its getter.
_HELD = re.compile(
    r"expected (\w+)(?:\([^()]*\))? (?:afterwards|at the end|on \S+|after [^;]+) to (?:be|read) "
    r"|\b(\w+) afterwards: expected |\b(\w+)\([^()]*\) = "
)
# The state that a transaction should be in, and the one that it is in.
_STORED_STATE = re.compile(r"\bstate: expected (\w+), stored (\w+)")
_VIEWED_STATE = re.compile(r"get_transaction_(?:state|details) (?:afterwards|at the end) to be ([A-Z]+), got ([A-Z]+)")
_MOVED = re.compile(r"\bto go from (\w+) to .+, it went to (\w+) in block ")
# A call of a deployment's that left its getter as it was.
_UNDONE = re.compile(r"\bto be set up, .+; left: (\w+)")
_GETTERS = {
    "add_operator": "authorized_operators",
    "remove_operator": "authorized_operators",
    "set_coordination_window": "coordination_window",
}
_NEEDS = {"BUFFERED": "EMPTY", "READY": "BUFFERED", "EXECUTED": "READY"}
_ORDER = ("EMPTY", *_NEEDS)
_COUNTED = re.compile(r"\bto have counted \d+ failures")


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return next(filter(None, match.groups()), "") if match is not None else ""


def field_of(check: str, message: str) -> str:
    """What is not stored as it was given, or not held as it was counted."""
    if check == "S7":
        return "payload" if "payload" in message else ""
    if _COUNTED.search(message):
        return "failure_count"
    return _first(STORED, message) or _first(_HELD, message)


def read_field(actual: str, text: str) -> str:
    """What a getter shows wrongly; a state is no field, but what came of the call."""
    field = _first(_VIEWED, actual) or _first(_HELD, text) or _GETTERS.get(_first(_UNDONE, text), "")
    # The history calls these fields by shorter names.
    field = field.removesuffix("_rollup").removesuffix("_tx_id")
    return "" if field in ("state", "get_transaction_state") else field


def states_of(text: str) -> tuple[str, str] | None:
    """The state that a transaction should have been in, and the one that it was in, whichever call had left it there.

    A call that succeeded shows it, too: it was in the state that this call needs.
    """
    match = _STORED_STATE.search(text) or _VIEWED_STATE.search(text)
    if match is not None:
        return match[1], match[2]
    moved = _MOVED.search(text)
    return (moved[1], _NEEDS[moved[2]]) if moved is not None and moved[2] in _NEEDS else None


def not_stored(message: str) -> bool:
    """Whether the storage lacks a state that a call announced."""
    states = _STORED_STATE.search(message)
    if states is None or not {states[1], states[2]} <= set(_ORDER):
        return False
    return _ORDER.index(states[1]) > _ORDER.index(states[2])


def unannounced(message: str) -> bool:
    """Whether the storage has a state that no call announced, so that nobody knows since when."""
    return _STORED_STATE.search(message) is not None and not not_stored(message)
