"""Which field of a transaction, or which getter of the contract, a message is about."""

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
    field = _first(_VIEWED, actual) or _first(_HELD, text)
    # The history calls these fields by shorter names.
    field = field.removesuffix("_rollup").removesuffix("_tx_id")
    return "" if field in ("state", "get_transaction_state") else field
