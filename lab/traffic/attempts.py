"""What the generator notes of every attempt to send: fixed records in a file, one file a worker.

So memory stays flat and a crash loses a second at most. `lab.traffic.book` reads them afterwards.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lab.bounded_files import open_append

RECORD = struct.Struct("<BBBxIIQQQ")


class Outcome(IntEnum):
    """How an attempt ended. LOST means that no answer came: it may have arrived. DROPPED was never sent."""

    ACCEPTED = 0
    REFUSED = 1
    LOST = 2
    DROPPED = 3


class Attempt(NamedTuple):
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
            RECORD.pack(leg, outcome, min(number, 255), sender, nonce, intended_us, sent_us, answered_us)
        )

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()
