"""Compares one stored transaction with what the history says that it must be: for S8 and S11."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.checks.facts import buffered_with, origin_of, timestamp_of
from lab.checks.replay import Entry
from lab.model.chain.facts import StoredTransaction
from lab.model.record_parts.about import About


@dataclass(frozen=True, slots=True)
class Differing:
    """A field that differs: `state: expected READY, stored BUFFERED`. Payloads are too long to be shown."""

    field: str
    expected: object
    stored: object

    def __str__(self) -> str:
        if self.field == "payload":
            return "payload: not the one given"
        return f"{self.field}: expected {self.expected}, stored {self.stored}"


def about(wrong: Sequence[Differing]) -> About:
    """What all of it is about: the first field but the state, and the states."""
    fields = [one.field for one in wrong if one.field != "state"]
    states = next(((str(one.expected), str(one.stored)) for one in wrong if one.field == "state"), None)
    return About(field=next(iter(fields), ""), states=states)


def differences(entry: Entry, stored: StoredTransaction, *, state_known: bool = True) -> list[Differing]:
    """Each field that differs; fields that nobody knows are left out."""
    buffered = entry.first("BUFFERED")
    log = buffered.step.log("TransactionBuffered") if buffered else None
    expected: list[tuple[str, object, object]] = [("state", entry.state, stored.state)] if state_known else []
    if log is not None:
        expected += [
            ("origin", origin_of(entry), stored.origin),
            ("target", log.args.get("target_rollup"), stored.target),
            ("timestamp", timestamp_of(entry), stored.timestamp),
        ]
        dependency = buffered_with(entry, "dependency_tx_id")
        if dependency is not None:
            expected.append(("dependency", dependency, stored.dependency))
    return [Differing(*field) for field in expected if field[1] != field[2]]


def hidden_execution(entry: Entry, stored: StoredTransaction) -> bool:
    """True if an unseen `mark_executed`, which emits nothing, would explain the stored state."""
    return entry.state == "READY" and stored.state == "EXECUTED"
