"""A history as a flat list of things that happened, in words: the common ground of the text and the SVG time line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from lab.html.text import clean, plural, short, some, times
from lab.model.history import History
from lab.model.records import Block, Call, Expectation, FaultMark, Log, Note, Operation, Reorg, Submit, Tx

Kind = Literal[
    "buffered",
    "ready",
    "executed",
    "failed",
    "reverted",
    "stop",
    "admin",
    "reorg",
    "fault",
    "submit",
    "operation",
    "met",
    "unmet",
    "note",
]

_EVENT_KINDS: dict[str, Kind] = {
    "TransactionBuffered": "buffered",
    "TransactionReady": "ready",
    "TransactionFailed": "failed",
    "EmergencyStop": "stop",
    "EmergencyStopLifted": "admin",
}
_EXECUTING = ("mark_executed", "execute_batch")


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a time line. `chain` is None for what belongs to no chain; `orphaned`: a reorg took it back."""

    t_ms: int
    seq: int
    chain: str | None
    kind: Kind
    text: str
    orphaned: bool = False


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """A fault from its injection to its healing; `healed` is None where the run ended before."""

    injected: FaultMark
    healed: FaultMark | None
    end_ms: int


def fault_spans(history: History) -> list[FaultSpan]:
    """In the order of injection."""
    marks: list[FaultMark] = history.of(FaultMark)
    spans = []
    for index, mark in enumerate(marks):
        if mark.phase == "inject":
            later = (other for other in marks[index + 1 :] if other.id == mark.id and other.phase == "heal")
            healed = next(later, None)
            spans.append(FaultSpan(mark, healed, healed.t_ms if healed else history.end_ms))
    return spans


class Names:
    """Leg names for tx_ids and role names for addresses, so that a reader need not compare hex."""

    def __init__(self, history: History) -> None:
        """Of the legs and roles that the history's header declares."""
        self._legs = {leg.tx_id: leg for leg in history.header.legs}
        self._roles = {address.lower(): role for role, address in history.header.roles.items()}

    def transaction(self, tx_id: str, chain: str | None) -> str:
        """`swap.pay`, `swap.pay (mirror)` on a chain that is not the leg's own, or short hex for a stranger."""
        leg = self._legs.get(tx_id)
        if leg is None:
            return short(tx_id)
        return clean(leg.name, 80) if chain in (None, leg.chain) else f"{clean(leg.name, 80)} (mirror)"

    def account(self, address: str) -> str:
        """A role, or short hex."""
        return clean(self._roles.get(address.lower(), short(address)), 40)

    def subjects(self, args: dict[str, Any], chain: str | None) -> str:
        """The transactions that some arguments speak of, at most three by name."""
        names: list[str] = []
        for value in args.values():
            parts = value if isinstance(value, (list, tuple)) else [value]
            for part in parts:
                tx_id = part.get("tx_id") if isinstance(part, dict) else part
                if isinstance(tx_id, str) and tx_id in self._legs:
                    names.append(self.transaction(tx_id, chain))
        if not names and isinstance(args.get("tx_id"), str):
            names.append(self.transaction(args["tx_id"], chain))
        # A child's arguments name its parent too; the first is the one that the call is about.
        if "dependency_tx_id" in args:
            names = names[:1]
        return some(names, 3)


def events(history: History) -> list[Event]:
    """Everything worth a mark, by time. Client operations appear only where no block shows them: failed or unclear."""
    names = Names(history)
    orphans = {(block.chain, block.hash) for block in history.orphans}
    happened: list[Event] = []
    for record in history.records:
        if isinstance(record, Block) and record.number == history.header.chains[record.chain].deploy_block:
            text = f"contract deployed and set up in {plural(len(record.txs), 'transaction')}"
            happened.append(Event(record.t_ms, record.seq, record.chain, "admin", text))
        elif isinstance(record, Block):
            orphaned = (record.chain, record.hash) in orphans
            for tx in record.txs:
                happened += [
                    Event(record.t_ms, record.seq, record.chain, kind, text, orphaned)
                    for kind, text in _transaction(tx, record.chain, names)
                ]
        elif isinstance(record, Reorg):
            beyond = ", beyond finality" if record.beyond_finality else ""
            text = (
                f"reorg of depth {record.depth} back to block {record.ancestor}{beyond}: "
                f"{len(record.orphaned_txs)} orphaned, {len(record.requeued_txs)} requeued"
            )
            happened.append(Event(record.t_ms, record.seq, record.chain, "reorg", text))
        elif isinstance(record, (Submit, Operation, FaultMark, Expectation, Note)):
            happened += _other(record, names)
    return sorted(happened, key=lambda event: (event.t_ms, event.seq))


def _transaction(tx: Tx, chain: str, names: Names) -> Iterator[tuple[Kind, str]]:
    if tx.status == 0:
        call = next((call for call in tx.calls if not call.ok), None)
        yield "reverted", _reverted(tx, call, chain, names)
        return
    for log in sorted(tx.logs, key=lambda log: log.index):
        yield _EVENT_KINDS.get(log.event, "admin"), _event(log, chain, names)
    for call in tx.calls:
        if call.ok and call.function in _EXECUTING:
            yield "executed", f"{names.subjects(call.args, chain) or 'transaction'} executed"


def _reverted(tx: Tx, call: Call | None, chain: str, names: Names) -> str:
    sender = names.account(tx.sender)
    if call is None:
        return f"transaction of {sender} reverted"
    subject = names.subjects(call.args, chain)
    what = f"{clean(call.function, 60)} {subject}".rstrip()
    return f"{what} by {sender} reverted: {clean(call.revert or 'no reason given', 160)}"


def _event(log: Log, chain: str, names: Names) -> str:
    reason = log.args.get("reason")
    why = f": {clean(str(reason), 160)}" if reason else ""
    subject = names.subjects(log.args, chain)
    verb = {"TransactionBuffered": "buffered", "TransactionReady": "ready", "TransactionFailed": "not resolved"}
    if log.event in verb and subject:
        return f"{subject} {verb[log.event]}{why}"
    return f"{clean(log.event, 60)} {subject}".rstrip() + why


def _other(record: Submit | Operation | FaultMark | Expectation | Note, names: Names) -> Iterator[Event]:
    if isinstance(record, Submit):
        subject = names.subjects(record.args, record.chain)
        error = f": {clean(record.error, 160)}" if record.error else ""
        text = f"relayer sends {clean(record.function or 'transaction', 60)} {subject}".rstrip()
        yield Event(record.t_ms, record.seq, record.chain, "submit", f"{text}, {record.outcome}{error}")
    elif isinstance(record, Operation):
        if record.outcome != "ok":
            subject = clean(record.leg or "", 80) or names.subjects(record.args, record.chain)
            why = f": {clean(record.revert, 160)}" if record.revert else ""
            text = f"{clean(record.actor, 40)} calls {clean(record.function, 60)} {subject}".rstrip()
            yield Event(record.end_ms, record.seq, record.chain, "operation", f"{text}, {record.outcome}{why}")
    elif isinstance(record, FaultMark):
        did = f", acted {times(record.activations)}" if record.phase == "heal" else ""
        text = f"fault {clean(record.fault, 40)} ({clean(record.id, 60)}) {record.phase}{did}"
        yield Event(record.t_ms, record.seq, record.chain, "fault", text)
    elif isinstance(record, Expectation):
        expected = clean(record.expected, 160)
        if record.met is None:
            text = f"expectation unclear: {expected}: {clean(record.actual, 160)}"
            yield Event(record.t_ms, record.seq, None, "unmet", text)
        elif record.met:
            yield Event(record.t_ms, record.seq, None, "met", f"expectation met: {expected}")
        else:
            text = f"expectation NOT met: {expected}, got {clean(record.outcome, 160)}"
            yield Event(record.t_ms, record.seq, None, "unmet", text)
    else:
        yield Event(
            record.t_ms, record.seq, record.chain, "note", f"{clean(record.kind, 40)}: {clean(record.text, 160)}"
        )
