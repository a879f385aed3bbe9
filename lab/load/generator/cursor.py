"""Where a worker stands in its senders' signed transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from lab.load.record.plan import PlannedLeg, SenderFile, Stream
from lab.traffic.signed_file import read_signed
from lab.traffic.signer import SignedTransaction


class Cursor:
    """One sender on one chain: hands out its transactions in the order of their nonces."""

    def __init__(self, leg: PlannedLeg, file: SenderFile) -> None:
        self.leg, self.sender = leg, file.sender
        self.next_nonce = self.first_nonce = file.first_nonce
        self._path = Path(file.path)
        self._left: Iterator[SignedTransaction] = read_signed(self._path)

    def take(self) -> SignedTransaction | None:
        """The next one, None when all have been handed out."""
        transaction = next(self._left, None)
        if transaction is not None:
            self.next_nonce = transaction.nonce + 1
        return transaction

    def again(self, from_nonce: int) -> list[SignedTransaction]:
        """Those from a nonce up to where this cursor stands, read anew."""
        skipped = max(0, from_nonce - self.first_nonce)
        return list(islice(read_signed(self._path), skipped, self.next_nonce - self.first_nonce))


class Slot:
    """One sender with a cursor for each leg of a stream: the legs of one arrival have the same sender and position."""

    def __init__(self, cursors: Sequence[Cursor]) -> None:
        self.cursors = tuple(cursors)

    def take(self) -> list[tuple[Cursor, SignedTransaction]] | None:
        """A transaction for every leg, or None when one has none left."""
        taken = [(cursor, cursor.take()) for cursor in self.cursors]
        whole = [(cursor, transaction) for cursor, transaction in taken if transaction is not None]
        return whole if len(whole) == len(taken) else None


def slots_of(stream: Stream, rank: int, workers: int) -> list[Slot]:
    """The senders that belong to one worker: every `workers`-th, so that none belongs to two."""
    by_position = zip(*(leg.senders for leg in stream.legs), strict=True)
    return [
        Slot([Cursor(leg, file) for leg, file in zip(stream.legs, files, strict=True)])
        for position, files in enumerate(by_position)
        if position % workers == rank
    ]
