"""The ledger of one chain: offered, sent, accepted, mined, succeeded, each transaction in exactly one end.

It is made after a run from what the generator noted and what the chain says. What the two cannot explain together is
listed; one such transaction fails a run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lab.traffic.attempts import Outcome
from lab.traffic.book import Book, Sent
from lab.traffic.hashes import Flags, Hashes, Integers, positions, text_of

EXAMPLES_MAX = 20


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
    """The chain's side: the hashes in its blocks, which of them succeeded, and what waits in its pool.

    Nonces are counted from the run's start to its end. Of a chain that no longer answers nobody can say more than what
    was seen: what was accepted and not seen in a block was in flight. `buffered` counts the TransactionBuffered events
    of each transaction, whoever sent it; None for a contract without such an event.
    """

    mined: Hashes
    succeeded: Flags
    in_pool: Hashes
    nonces_used: Mapping[int, int]
    buffered: Integers | None = None
    transaction_count_rise: int | None = None
    reachable: bool = True


def reconcile(chain: str, legs: set[int], book: Book, snapshot: ChainSnapshot) -> Ledger:
    """Bring both sides together."""
    sent = book.of_legs(legs)
    ledger = Ledger(chain, dropped=len(book.dropped_us(legs)), sent=len(sent))
    ledger.offered = ledger.sent + ledger.dropped
    ledger.resent = int(sent.rows["attempts"].sum()) - len(sent)
    ledger.accepted = int(sent.accepted().sum())
    signed = sent.signed()
    if len(signed) < len(sent):
        unsigned = sent.where(sent.hashes == b"")
        for number in range(len(unsigned)):
            ledger.explain(f"{unsigned.name(number)}: it was sent, but is in no file of signed transactions")
    at = positions(signed.hashes, snapshot.mined)
    _count_ends(ledger, snapshot, signed, at)
    if snapshot.reachable:
        senders, counts = np.unique(signed.rows["sender"][at >= 0], return_counts=True)
        _compare_with_chain(ledger, snapshot, dict(zip(senders.tolist(), counts.tolist(), strict=True)), at)
    return ledger


def _count_ends(ledger: Ledger, snapshot: ChainSnapshot, sent: Sent, at: Integers) -> None:
    """Count each transaction in exactly one end. `at` is where it stands in the chain, or -1."""
    mined = at >= 0
    ledger.mined = int(mined.sum())
    ledger.succeeded = int(snapshot.succeeded[at[mined]].sum())
    ledger.reverted = ledger.mined - ledger.succeeded
    left = sent.where(~mined)
    in_pool = positions(left.hashes, snapshot.in_pool) >= 0
    ledger.left_in_pool = int(in_pool.sum())
    left = left.where(~in_pool)
    if not snapshot.reachable:
        ledger.in_flight = len(left)
        examples = range(min(len(left), EXAMPLES_MAX))
        ledger.in_flight_examples = [f"{left.name(number)}: {text_of(left.hashes, number)}" for number in examples]
        return
    gone, left = left.where(left.accepted()), left.where(~left.accepted())
    for number in range(len(gone)):
        text = text_of(gone.hashes, number)
        ledger.explain(f"{gone.name(number)}: the node accepted {text}, and it is neither in a block nor in the pool")
    ledger.refused = int((left.rows["last"] == Outcome.REFUSED).sum())
    ledger.lost = len(left) - ledger.refused


def _compare_with_chain(
    ledger: Ledger, snapshot: ChainSnapshot, mined_by_sender: Mapping[int, int], at: Integers
) -> None:
    for sender in sorted({*snapshot.nonces_used, *mined_by_sender}):
        used, mined = snapshot.nonces_used.get(sender, 0), mined_by_sender.get(sender, 0)
        if used != mined:
            ledger.explain(f"sender {sender}: its nonce rose by {used}, the ledger has {mined} of its calls mined")
    if snapshot.buffered is None:
        return
    own, every = int(snapshot.buffered[np.unique(at[at >= 0])].sum()), int(snapshot.buffered.sum())
    if own != ledger.succeeded:
        ledger.explain(f"expected a TransactionBuffered event for each of {ledger.succeeded} successes, found {own}")
    if snapshot.transaction_count_rise is not None and snapshot.transaction_count_rise != every:
        ledger.explain(
            f"transaction_count rose by {snapshot.transaction_count_rise}, the chain has {every} TransactionBuffered "
            "events"
        )
