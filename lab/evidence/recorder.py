"""Appends records to `history.jsonl` as they come, and keeps them for the checks of the same run."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from lab.model.history import History
from lab.model.records import AnyRecord, Record

R = TypeVar("R", bound=Record)


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


class Recorder:
    """Safe for several threads: the real clock's fault proxy records from its own. `path` None: in memory only."""

    def __init__(self, path: Path | None) -> None:
        self.records: list[AnyRecord] = []
        self._lock = threading.Lock()
        self._file = path.open("w", encoding="utf-8") if path is not None else None

    def add(self, record: R) -> R:
        """Number the record and append it; the numbered record is returned."""
        with self._lock:
            numbered = record.model_copy(update={"seq": len(self.records)})
            self.records.append(numbered)  # type: ignore[arg-type]  # every subclass of Record is one of AnyRecord
            if self._file is not None:
                self._file.write(record_line(numbered) + "\n")
        return numbered

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
