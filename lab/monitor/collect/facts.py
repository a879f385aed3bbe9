"""What the collector keeps of a block, and the book of transactions that follows from blocks in order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

State = Literal["BUFFERED", "READY", "EXECUTED", "EXPIRED"]
STATES: tuple[State, ...] = ("BUFFERED", "READY", "EXECUTED", "EXPIRED")
OPEN_MAX, CLOSED_MAX = 20_000, 2_000
# A failure's reason as the contract says it -> the label; none of these ends a transaction but the first two.
REASONS = {
    "Transaction expired": "expired",
    "Execution failed": "execution",
    "Dependencies not satisfied": "dependencies",
}
NOT_YET = "dependencies"


@dataclass(frozen=True, slots=True)
class EventFact:
    """One event of the contract. `reason` is a label of REASONS, `dependency` and the rest come with a buffering."""

    event: str
    tx: str
    tx_id: str | None = None
    reason: str | None = None
    origin: str | None = None
    dependency: str | None = None
    due_s: int | None = None


@dataclass(frozen=True, slots=True)
class CallFact:
    """One transaction to the contract. `executed` are the transactions that it marked as executed.

    `granted` is the account that it made an operator: not every contract has an event for that.
    """

    tx: str
    sender: str
    function: str
    ok: bool
    cost_wei: int
    reason: str | None = None
    unauthorized: bool = False
    executed: tuple[str, ...] = ()
    granted: str | None = None


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """One canonical block, as far as monitoring goes. Times in unix seconds, fees in wei."""

    number: int
    hash: str
    parent: str
    timestamp: int
    base_fee: int
    events: tuple[EventFact, ...] = ()
    calls: tuple[CallFact, ...] = ()


@dataclass(slots=True)
class Entry:
    """One transaction of the contract; times are those of blocks, None for what did not happen."""

    state: State = "BUFFERED"
    origin: str | None = None
    dependency: str | None = None
    due_s: int = 0
    buffered_s: int | None = None
    ready_s: int | None = None
    ended_s: int | None = None


@dataclass
class Book:
    """Transactions of one contract after some block: the open ones, the last that ended, and how many ended how."""

    open: dict[str, Entry] = field(default_factory=dict)
    closed: dict[str, Entry] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    forgotten: int = 0

    def find(self, tx_id: str) -> Entry | None:
        """An open transaction, or one that ended lately."""
        return self.open.get(tx_id) or self.closed.get(tx_id)

    def count(self) -> dict[State, int]:
        """Transactions by state."""
        open_states = Counter(entry.state for entry in self.open.values())
        return {state: open_states[state] + self.ended.get(state, 0) for state in STATES}

    def apply(self, block: BlockFacts) -> list[tuple[str, str, Entry]]:
        """Go on by one block. What became READY or EXECUTED in it, as (stage, tx_id, entry)."""
        reached: list[tuple[str, str, Entry]] = []
        for event in block.events:
            if event.tx_id is None:
                continue
            if event.event == "TransactionBuffered":
                entry = Entry("BUFFERED", event.origin, event.dependency, event.due_s or 0, block.timestamp)
                self.open[event.tx_id] = entry
            elif event.event == "TransactionReady":
                entry = self.open.setdefault(event.tx_id, Entry())
                entry.state, entry.ready_s = "READY", block.timestamp
                reached.append(("to_ready", event.tx_id, entry))
            elif event.event == "TransactionFailed" and event.reason != NOT_YET:
                self.close(event.tx_id, "EXPIRED", block.timestamp)
        for call in block.calls:
            for tx_id in call.executed if call.ok else ():
                reached.append(("to_executed", tx_id, self.close(tx_id, "EXECUTED", block.timestamp)))
        while len(self.open) > OPEN_MAX:
            self.open.pop(next(iter(self.open)))
            self.forgotten += 1
        return reached

    def close(self, tx_id: str, state: State, ended_s: int | None) -> Entry:
        """End a transaction, known or not."""
        entry = self.open.pop(tx_id, None) or Entry()
        entry.state, entry.ended_s = state, ended_s
        self.closed[tx_id] = entry
        self.ended[state] = self.ended.get(state, 0) + 1
        while len(self.closed) > CLOSED_MAX:
            self.closed.pop(next(iter(self.closed)))
        return entry
