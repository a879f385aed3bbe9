"""The ledger of one chain: offered, sent, accepted, mined, succeeded, each transaction in exactly one end.

It is made after a run from what the generator noted and what the chain says. What the two cannot explain together is
listed; one such transaction fails a run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.traffic.attempts import Attempt, Outcome

EXAMPLES_MAX = 20


@dataclass(slots=True)
class Sent:
    """One transaction that was sent at least once. Times in microseconds since the schedule began."""

    leg: int
    sender: int
    nonce: int
    intended_us: int
    sent_us: int
    accepted_us: int | None = None
    attempts: int = 0
    last: Outcome = Outcome.LOST


class Book:
    """All transactions of a run by (leg, sender, nonce), and the arrivals that were dropped."""

    def __init__(self) -> None:
        self.sent: dict[tuple[int, int, int], Sent] = {}
        self.dropped: dict[int, list[int]] = {}

    def read(self, attempts: Iterable[Attempt]) -> Book:
        """Enter attempts, in any order; returns this book."""
        for attempt in attempts:
            if attempt.outcome is Outcome.DROPPED:
                self.dropped.setdefault(attempt.leg, []).append(attempt.intended_us)
                continue
            key = (attempt.leg, attempt.sender, attempt.nonce)
            entry = self.sent.get(key)
            if entry is None:
                entry = self.sent[key] = Sent(*key, attempt.intended_us, attempt.sent_us)
            # What is sent again after an outage is late since its first intended time, not since the outage's end.
            entry.intended_us = min(entry.intended_us, attempt.intended_us)
            entry.sent_us = min(entry.sent_us, attempt.sent_us)
            entry.attempts += 1
            if attempt.outcome is Outcome.ACCEPTED:
                if entry.accepted_us is None or attempt.answered_us < entry.accepted_us:
                    entry.accepted_us = attempt.answered_us
            elif entry.accepted_us is None:
                entry.last = attempt.outcome
        return self


@dataclass
class Ledger:
    """The counts of one chain. `unexplained` names transactions, or differences, that nothing accounts for."""

    chain: str
    offered: int = 0
    dropped: int = 0
    sent: int = 0
    resent: int = 0
    accepted: int = 0
    refused: int = 0
    lost: int = 0
    mined: int = 0
    succeeded: int = 0
    reverted: int = 0
    left_in_pool: int = 0
    in_flight: int = 0
    unexplained_count: int = 0
    unexplained: list[str] = field(default_factory=list)
    in_flight_examples: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Sent, and not successful in the end."""
        return self.sent - self.succeeded

    def explain(self, what: str) -> None:
        self.unexplained_count += 1
        if len(self.unexplained) < EXAMPLES_MAX:
            self.unexplained.append(what)

    def to_json(self) -> dict[str, Any]:
        names = [field.name for field in dataclasses.fields(self) if field.name != "chain"]
        names.insert(names.index("unexplained_count"), "failed")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class ChainSnapshot:
    """The chain's side. `mined` maps a hash to its block; nonces are counted from the run's start to its end.

    Of a chain that no longer answers nobody can say more than what was seen: what was accepted and not seen in a block
    was in flight. `buffered` counts the TransactionBuffered events of each transaction, whoever sent it; None for a
    contract without such an event.
    """

    mined: Mapping[bytes, int]
    succeeded: set[bytes]
    in_pool: set[bytes]
    nonces_used: Mapping[int, int]
    buffered: Mapping[bytes, int] | None = None
    transaction_count_rise: int | None = None
    reachable: bool = True


def reconcile(
    chain: str, legs: set[int], book: Book, hashes: Mapping[tuple[int, int, int], bytes], snapshot: ChainSnapshot
) -> Ledger:
    """Bring both sides together. `hashes` gives each sent transaction's hash, as it was signed."""
    ledger = Ledger(chain)
    ledger.dropped = sum(len(book.dropped.get(leg, ())) for leg in legs)
    mined_by_sender: dict[int, int] = {}
    mine_of: set[bytes] = set()
    for key, entry in book.sent.items():
        if entry.leg not in legs:
            continue
        ledger.sent += 1
        ledger.resent += entry.attempts - 1
        ledger.accepted += entry.accepted_us is not None
        tx_hash = hashes.get(key)
        name = f"leg {entry.leg}, sender {entry.sender}, nonce {entry.nonce}"
        if tx_hash is None:
            ledger.explain(f"{name}: it was sent, but is in no file of signed transactions")
            continue
        mine_of.add(tx_hash)
        if tx_hash in snapshot.mined:
            mined_by_sender[entry.sender] = mined_by_sender.get(entry.sender, 0) + 1
        _end(ledger, snapshot, entry, name, tx_hash)
    ledger.offered = ledger.sent + ledger.dropped
    if snapshot.reachable:
        _against_chain(ledger, snapshot, mined_by_sender, mine_of)
    return ledger


def _end(ledger: Ledger, snapshot: ChainSnapshot, entry: Sent, name: str, tx_hash: bytes) -> None:
    """Count a transaction in exactly one end."""
    if tx_hash in snapshot.mined:
        ledger.mined += 1
        ledger.succeeded += tx_hash in snapshot.succeeded
        ledger.reverted += tx_hash not in snapshot.succeeded
    elif tx_hash in snapshot.in_pool:
        ledger.left_in_pool += 1
    elif not snapshot.reachable:
        ledger.in_flight += 1
        if len(ledger.in_flight_examples) < EXAMPLES_MAX:
            ledger.in_flight_examples.append(f"{name}: 0x{tx_hash.hex()}")
    elif entry.accepted_us is not None:
        ledger.explain(f"{name}: the node accepted 0x{tx_hash.hex()}, and it is neither in a block nor in the pool")
    elif entry.last is Outcome.REFUSED:
        ledger.refused += 1
    else:
        ledger.lost += 1


def _against_chain(
    ledger: Ledger, snapshot: ChainSnapshot, mined_by_sender: Mapping[int, int], mine_of: set[bytes]
) -> None:
    for sender in sorted({*snapshot.nonces_used, *mined_by_sender}):
        used, mined = snapshot.nonces_used.get(sender, 0), mined_by_sender.get(sender, 0)
        if used != mined:
            ledger.explain(f"sender {sender}: its nonce rose by {used}, the ledger has {mined} of its calls mined")
    if snapshot.buffered is None:
        return
    own = sum(count for tx_hash, count in snapshot.buffered.items() if tx_hash in mine_of)
    if own != ledger.succeeded:
        ledger.explain(f"expected a TransactionBuffered event for each of {ledger.succeeded} successes, found {own}")
    every = sum(snapshot.buffered.values())
    if snapshot.transaction_count_rise is not None and snapshot.transaction_count_rise != every:
        ledger.explain(
            f"transaction_count rose by {snapshot.transaction_count_rise}, the chain has {every} TransactionBuffered "
            "events"
        )
