"""What a run sent, a row for each transaction, made of the attempts that its generator noted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lab.bounded_files import UnfitFile, open_regular
from lab.errors import EvidenceFailure
from lab.traffic.attempts import RECORD, Attempt, Outcome
from lab.traffic.hashes import NONE, Flags, Hashes, Integers

# As `AttemptLog` writes them.
Attempts = npt.NDArray[np.void]
ATTEMPT = np.dtype(
    {
        "names": list(Attempt._fields),
        "formats": ["u1", "u1", "u1", "<u4", "<u4", "<i8", "<i8", "<i8"],
        "offsets": [0, 1, 2, 4, 8, 12, 20, 28],
        "itemsize": RECORD.size,
    }
)
# So many are read at a time.
PIECE = 1 << 18
# Twice what one run may send: see `lab.load.profile`.
ARRIVALS_MAX = 800_000

NEVER = np.iinfo(np.int64).max
Rows = npt.NDArray[np.void]
# One transaction that was sent at least once. Times in microseconds since the schedule began; `accepted_us` of the
# first answer that took it, or NEVER; `last` is how the last attempt ended of one that was never accepted.
ROW = np.dtype(
    [
        ("leg", "u1"),
        ("last", "u1"),
        ("attempts", "<u4"),
        ("sender", "<u4"),
        ("nonce", "<u4"),
        ("intended_us", "<i8"),
        ("sent_us", "<i8"),
        ("accepted_us", "<i8"),
    ]
)


@dataclass(frozen=True, slots=True)
class Sent:
    """Transactions that were sent, and the hash of each; zeros where it is in no file of signed ones."""

    rows: Rows
    hashes: Hashes

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, flags: Flags) -> Sent:
        """Some of them; without a copy where they stand together."""
        begin, count = int(flags.argmax()) if len(flags) else 0, int(flags.sum())
        part = slice(begin, begin + count) if flags[begin : begin + count].all() else flags
        return Sent(self.rows[part], self.hashes[part])

    def signed(self) -> Sent:
        """Those whose hash is known."""
        return self.where(self.hashes != b"")

    def accepted(self) -> Flags:
        """Which of them a node took."""
        flags: Flags = self.rows["accepted_us"] != NEVER
        return flags

    def name(self, number: int) -> str:
        """One of them, in words."""
        row = self.rows[number]
        return f"leg {row['leg']}, sender {row['sender']}, nonce {row['nonce']}"


def pieces(attempts: Iterable[Attempt]) -> Iterator[Attempts]:
    """As `read_attempts` gives them."""
    yield np.array(list(attempts), ATTEMPT)


def read_attempts(path: Path) -> Iterator[Attempts]:
    """All whole records, in pieces; a last one that was cut off by a crash is left out. Raises OSError, UnfitFile."""
    with open_regular(path) as stream:
        while data := stream.read(ATTEMPT.itemsize * PIECE):
            piece = np.frombuffer(data, ATTEMPT, len(data) // ATTEMPT.itemsize)
            if len(unfit := piece["outcome"][piece["outcome"] > max(Outcome)]):
                raise UnfitFile(path, f"expected outcomes of {min(Outcome)} to {max(Outcome)}, got {unfit[0]}")
            yield piece


class Book:
    """All transactions of a run, in the order of leg, sender and nonce; and when dropped arrivals were due, by leg."""

    def __init__(self) -> None:
        self.rows: Rows = np.zeros(0, ROW)
        self.hashes: Hashes = NONE
        self._senders: Integers = np.zeros(0, np.int64)
        self._dropped: list[Integers] = []

    def read(self, attempts: Iterable[Attempts]) -> Book:
        """Enter pieces of attempts, in any order; returns this book. Raises EvidenceFailure for too many."""
        for piece in attempts:
            dropped = piece["outcome"] == Outcome.DROPPED
            self._dropped.append(np.array([piece["leg"][dropped], piece["intended_us"][dropped]], np.int64))
            self.rows = _merged(np.concatenate([self.rows, _entered(piece[~dropped])]))
            known = len(self.rows) + sum(part.shape[1] for part in self._dropped)
            if known > ARRIVALS_MAX:
                raise EvidenceFailure(f"expected at most {ARRIVALS_MAX:,} arrivals of a load, got {known:,} and more")
        self.hashes = np.zeros(len(self.rows), NONE.dtype)
        self._senders = _key(self.rows["leg"].astype(np.int64), self.rows["sender"])
        return self

    def dropped_us(self, legs: set[int]) -> Integers:
        """When the arrivals of these legs that were dropped were due."""
        parts = [due_us[np.isin(leg, list(legs))] for leg, due_us in self._dropped]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def sign(self, leg: int, sender: int, first_nonce: int, hashes: Hashes) -> None:
        """Say which hash each nonce of a sender has, from the first on, as it was signed."""
        begin, end = np.searchsorted(self._senders, [_key(leg, sender), _key(leg, sender) + 1])
        own = np.arange(begin, end)
        at = self.rows["nonce"][own].astype(np.int64) - first_nonce
        signed = (at >= 0) & (at < len(hashes))
        self.hashes[own[signed]] = hashes[at[signed]]

    def of_legs(self, legs: set[int]) -> Sent:
        """What was sent of these."""
        return Sent(self.rows, self.hashes).where(np.isin(self.rows["leg"], list(legs)))


def _key(leg: Any, sender: Any) -> Any:
    """A number for each sender of a leg, or a column of them; in their order."""
    return (leg << 32) + sender


def _entered(attempts: Attempts) -> Rows:
    rows = np.zeros(len(attempts), ROW)
    for name in ("leg", "sender", "nonce", "intended_us", "sent_us"):
        rows[name] = attempts[name]
    rows["attempts"] = 1
    rows["last"] = attempts["outcome"]
    rows["accepted_us"] = np.where(attempts["outcome"] == Outcome.ACCEPTED, attempts["answered_us"], NEVER)
    return rows


def _merged(rows: Rows) -> Rows:
    """One row for each transaction. The earliest of its times count, and all of its attempts."""
    if not len(rows):
        return rows
    order = np.lexsort((rows["nonce"], rows["sender"], rows["leg"]))
    keys = [rows[name][order] for name in ("leg", "sender", "nonce")]
    begins = np.flatnonzero(np.append(True, np.any([key[1:] != key[:-1] for key in keys], axis=0)))
    ends = np.append(begins[1:], len(rows)) - 1
    # What is sent again after an outage is late since its first intended time, not since the outage's end.
    merged: Rows = rows[order[ends]]
    for name in ("intended_us", "sent_us", "accepted_us"):
        merged[name] = np.minimum.reduceat(rows[name][order], begins)
    merged["attempts"] = np.add.reduceat(rows["attempts"][order], begins)
    return merged
