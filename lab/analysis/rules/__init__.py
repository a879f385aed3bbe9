"""The rules, one line each. A rule takes a program and yields findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab.analysis.finding import Finding
from lab.analysis.program import Program
from lab.analysis.rules import access, calls, clarity, storage


@dataclass(frozen=True, slots=True)
class Rule:
    """`demand` says in a sentence what the rule asks of a contract."""

    name: str
    demand: str
    check: Callable[[Program], Iterator[Finding]]


RULES: tuple[Rule, ...] = (
    Rule("state-after-call", "Storage is written before other contracts are called.", calls.state_after_call),
    Rule("unchecked-raw-call", "The success of a raw call that may fail is looked at.", calls.unchecked_raw_call),
    Rule("unguarded-write", "Who calls is checked before storage is written.", access.unguarded_write),
    Rule("tx-origin", "Nobody is identified by tx.origin.", access.tx_origin),
    Rule("storage-loop", "No loop is as long as what others have stored.", storage.storage_loop),
    Rule("write-without-event", "What changes storage says so in an event.", storage.write_without_event),
    Rule("shadowed-storage", "No local name is that of a storage variable.", storage.shadowed_storage),
    Rule("timestamp-equality", "No branch needs a block at one exact second.", clarity.timestamp_equality),
    Rule("assert-without-reason", "A revert says why.", clarity.assert_without_reason),
    Rule("unreachable-code", "Every statement can be reached.", clarity.unreachable_code),
)
