"""Compares one stored transaction with what the history says that it must be: for S8 and S11."""

from __future__ import annotations

from lab.checks.facts import buffered_with, origin_of, timestamp_of
from lab.checks.replay import Entry
from lab.model.chain.facts import StoredTransaction


def differences(entry: Entry, stored: StoredTransaction, *, state_known: bool = True) -> list[str]:
    """Each field that differs, as `state: expected READY, stored BUFFERED`; fields that nobody knows are left out."""
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
    return [f"{field}: expected {wanted}, stored {got}" for field, wanted, got in expected if wanted != got]


def hidden_execution(entry: Entry, stored: StoredTransaction) -> bool:
    """True if an unseen `mark_executed`, which emits nothing, would explain the stored state."""
    return entry.state == "READY" and stored.state == "EXECUTED"
