"""What the generator notes of every attempt to send: fixed records in a file, one file a worker.

So memory stays flat and a crash loses a second at most. The ledger is made of them afterwards.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

from lab.bounded_files import UnfitFile, open_append, open_regular

_RECORD = struct.Struct("<BBBxIIQQQ")


class Outcome(IntEnum):
    """How an attempt ended. LOST means that no answer came: it may have arrived. DROPPED was never sent."""

    ACCEPTED = 0
    REFUSED = 1
    LOST = 2
    DROPPED = 3


_OUTCOMES = frozenset(Outcome)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. Times in microseconds since the start of the schedule; `leg` numbers the plan's legs from 0.

    `number` counts the attempts of one transaction from 0. A dropped arrival has no transaction: sender, nonce are 0.
    """

    leg: int
    outcome: Outcome
    number: int
    sender: int
    nonce: int
    intended_us: int
    sent_us: int
    answered_us: int


class AttemptLog:
    """Writes attempts to a file; `flush` now and then."""

    def __init__(self, path: Path) -> None:
        self._stream: BinaryIO = open_append(path)

    def add(
        self,
        leg: int,
        outcome: Outcome,
        number: int,
        sender: int,
        nonce: int,
        intended_us: int,
        sent_us: int,
        answered_us: int,
    ) -> None:
        self._stream.write(
            _RECORD.pack(leg, outcome, min(number, 255), sender, nonce, intended_us, sent_us, answered_us)
        )

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()


def read_attempts(path: Path) -> Iterator[Attempt]:
    """All whole records; a last one that was cut off by a crash is left out. Raises OSError, UnfitFile."""
    with open_regular(path) as stream:
        while chunk := stream.read(_RECORD.size * 4096):
            whole = len(chunk) - len(chunk) % _RECORD.size
            for leg, outcome, number, sender, nonce, intended, sent, answered in _RECORD.iter_unpack(chunk[:whole]):
                if outcome not in _OUTCOMES:
                    raise UnfitFile(path, f"expected outcomes of {min(_OUTCOMES)} to {max(_OUTCOMES)}, got {outcome}")
                yield Attempt(leg, Outcome(outcome), number, sender, nonce, intended, sent, answered)
