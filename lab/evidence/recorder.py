"""Appends records to `history.jsonl` as they come, and keeps them for the checks of the same run."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from lab.json_values import json_values
from lab.model.history import History
from lab.model.records import AnyRecord, Record

R = TypeVar("R", bound=Record)
# A block with 1,500 transactions is a line of 1.5 MB.
HISTORY_BYTES_MAX, HISTORY_VALUES_MAX, HISTORY_LINES_MAX, RECORD_BYTES_MAX = 24 << 20, 300_000, 1_000_000, 16 << 20


def record_line(record: Record) -> str:
    """A record as its line in the file: JSON in the order of the fields, defaults included."""
    return record.model_dump_json()


def history_digest(records: Iterable[Record]) -> str:
    """sha256 over the lines in their order; the same run gives the same digest, wherever it ran."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(record_line(record).encode())
        digest.update(b"\n")
    return digest.hexdigest()


class HistoryFull(BaseException):
    """The run goes on to record, and nobody would read its history: it has to end. No error of what is played."""


class Recorder:
    """Safe for several threads: the real clock's fault proxy records from its own. `path` None: in memory only.

    Once the history exceeds what is read, nothing is kept until `end` was called: the run's own thread is told to end,
    whatever other threads record is left out.
    """

    def __init__(self, path: Path | None) -> None:
        self.records: list[AnyRecord] = []
        self._bytes = self._values = self._longest = 0
        self._thread, self._ended = threading.get_ident(), False
        self._lock = threading.Lock()
        self._file = path.open("w", encoding="utf-8") if path is not None else None

    def add(self, record: R) -> R:
        """Number the record and append it; the numbered record is returned. Raises HistoryFull."""
        with self._lock:
            numbered = record.model_copy(update={"seq": len(self.records)})
            if not self._ended and (excess := self.excess()):
                if threading.get_ident() == self._thread:
                    raise HistoryFull(excess)
                return numbered
            self.records.append(numbered)  # type: ignore[arg-type]  # every subclass of Record is one of AnyRecord
            if self._file is not None:
                line = record_line(numbered) + "\n"
                self._file.write(line)
                data = line.encode()
                self._bytes += len(data)
                self._values += json_values(data)
                self._longest = max(self._longest, len(data))
        return numbered

    def excess(self) -> str:
        """Why nobody would read the file so far: the bound that it exceeds. Empty where it exceeds none."""
        bounds = {
            "bytes": (self._bytes, HISTORY_BYTES_MAX),
            "records": (len(self.records), HISTORY_LINES_MAX),
            "bytes in one record": (self._longest, RECORD_BYTES_MAX),
            "values": (self._values, HISTORY_VALUES_MAX),
        }
        exceeded = ((what, took, most) for what, (took, most) in bounds.items() if took > most)
        return next((f"{took:,} {what}, at most {most:,} are read" for what, took, most in exceeded), "")

    def end(self) -> None:
        """What comes now belongs to the run's end, and is kept however long the history is."""
        self._ended = True

    def history(self) -> History:
        """The history so far. Raises ValueError before the header is in."""
        return History(self.records)

    def digest(self) -> str:
        """The digest of all lines so far."""
        return history_digest(self.records)

    def close(self) -> None:
        """Flush and close the file; more records stay in memory only."""
        if self._file is not None:
            self._file.close()
            self._file = None
