"""The ledger of one chain: offered, sent, accepted, mined, succeeded, each transaction in exactly one end.

It is made after a run from what the generator noted and what the chain says. What the two cannot explain together is
listed; one such transaction fails a run.
"""

from __future__ import annotations

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
        names = (
            "offered",
            "dropped",
            "sent",
            "resent",
            "accepted",
            "refused",
            "lost",
            "mined",
            "succeeded",
            "reverted",
            "left_in_pool",
            "in_flight",
            "failed",
            "unexplained_count",
            "unexplained",
            "in_flight_examples",
        )
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
    chain: str, legs: set[int], book: Book, hashes: Mapping[tuple[int, int, int], bytes], says: ChainSnapshot
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
        if tx_hash in says.mined:
            mined_by_sender[entry.sender] = mined_by_sender.get(entry.sender, 0) + 1
            ledger.mined += 1
            ledger.succeeded += tx_hash in says.succeeded
            ledger.reverted += tx_hash not in says.succeeded
        elif tx_hash in says.in_pool:
            ledger.left_in_pool += 1
        elif not says.reachable:
            ledger.in_flight += 1
            if len(ledger.in_flight_examples) < EXAMPLES_MAX:
                ledger.in_flight_examples.append(f"{name}: 0x{tx_hash.hex()}")
        elif entry.accepted_us is not None:
            ledger.explain(f"{name}: the node accepted 0x{tx_hash.hex()}, and it is neither in a block nor in the pool")
        elif entry.last is Outcome.REFUSED:
            ledger.refused += 1
        else:
            ledger.lost += 1
    ledger.offered = ledger.sent + ledger.dropped
    if says.reachable:
        _against_chain(ledger, says, mined_by_sender, mine_of)
    return ledger


def _against_chain(
    ledger: Ledger, says: ChainSnapshot, mined_by_sender: Mapping[int, int], mine_of: set[bytes]
) -> None:
    for sender in sorted({*says.nonces_used, *mined_by_sender}):
        used, mined = says.nonces_used.get(sender, 0), mined_by_sender.get(sender, 0)
        if used != mined:
            ledger.explain(f"sender {sender}: its nonce rose by {used}, the ledger has {mined} of its calls mined")
    if says.buffered is None:
        return
    own = sum(count for tx_hash, count in says.buffered.items() if tx_hash in mine_of)
    if own != ledger.succeeded:
        ledger.explain(f"expected a TransactionBuffered event for each of {ledger.succeeded} successes, found {own}")
    every = sum(says.buffered.values())
    if says.transaction_count_rise is not None and says.transaction_count_rise != every:
        ledger.explain(
            f"transaction_count rose by {says.transaction_count_rise}, the chain has {every} TransactionBuffered events"
        )
