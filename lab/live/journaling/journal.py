"""The journal of a deployment: every step is written down before it is done, so that any crash can be taken up again.

JSON lines beside the deployment file. A line is on the disk before the lab goes on; a last line that is torn was never
acted upon and is dropped. Signed transactions stand in it whole: resuming sends the same bytes again, never new ones.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from lab.bounded_files import UnfitFile, first_fault, open_append, parse_model, read_lines
from lab.errors import UsageError
from lab.model.frozen import Frozen

# A restore of 10,000 transactions one by one has 90,000 lines; an entry takes some 0.9 KB in memory.
BYTES_MAX, LINES_MAX, VALUES_MAX = 128 << 20, 240_000, 3_200_000
# Beyond these entries nothing more is signed: what becomes of all that was must still fit.
SIGNED_MAX = LINES_MAX - 20_000
# Between a call and the number of an attempt of it, in the name of a step.
ATTEMPT = " #"
Event = Literal["signed", "mined", "final", "void"]


class Header(Frozen):
    """The first line: what the journal is of."""

    journal: Literal[1] = 1
    contract: str = Field(description="sha256 of the creation code")
    deployer: str


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Entry:
    """One event of one step. `signed` comes before the transaction is sent, the others as they are seen.

    `void` is one that reverted, or, without a block, whose nonce was used by another transaction.
    """

    network: str
    chain_id: int
    step: str = Field(description="deploy, or the function and its argument")
    event: Event
    nonce: int
    tx: str
    raw: str = Field(default="", description="the signed transaction; on `signed` only")
    gas: int = 0
    max_fee_per_gas: int = 0
    max_priority_fee_per_gas: int = 0
    block: int | None = None
    block_hash: str | None = None
    gas_used: int | None = None
    fee_wei: str | None = Field(default=None, description="what was paid, data fees included")
    waited_s: float | None = Field(default=None, description="from sending it until it was seen in a block")
    address: str | None = Field(default=None, description="of the contract")
    code_sha256: str | None = Field(default=None, description="of the code that stands there")


ENTRY = TypeAdapter(Entry)


class Journal:
    """Append only; safe for several threads. `head` is what the file begins with, None where that stands there."""

    def __init__(self, path: Path, entries: list[Entry], head: Header | None = None) -> None:
        self.path, self.head, self._lock = path, head, threading.Lock()
        self._entries = list[Entry]()
        # Thousands of steps are looked up one by one, so they are found by their names.
        self._by_step: dict[tuple[str, str], list[Entry]] = {}
        self._last: dict[tuple[str, str], Entry] = {}
        self._nonces: dict[str, set[int]] = {}
        self._ended: dict[str, int] = {}
        for entry in entries:
            self._index(entry)

    def _index(self, entry: Entry) -> None:
        network = entry.network
        self._entries.append(entry)
        self._by_step.setdefault((network, entry.step), []).append(entry)
        self._last[network, entry.step.rpartition(ATTEMPT)[0]] = entry
        self._nonces.setdefault(network, set()).add(entry.nonce)
        if entry.event != "signed":
            self._ended[network] = max(self._ended.get(network, 0), entry.nonce + 1)

    def add(self, entry: Entry) -> None:
        """Returns once the entry is on the disk.

        Raises OSError, UsageError where another command began the file, or where it has no room for a transaction more.
        """
        with self._lock:
            if entry.event == "signed" and len(self._entries) >= SIGNED_MAX:
                raise UsageError(
                    f"{self.path}: expected fewer than {SIGNED_MAX:,} entries before another transaction is signed, it "
                    f"has {len(self._entries):,}: move it away if it is done with"
                )
            if self.head is not None:
                self._begin(self.head)
            _append(self.path, ENTRY.dump_json(entry, exclude_defaults=True).decode())
            self._index(entry)

    def _begin(self, head: Header) -> None:
        if read_journal(self.path)[1]:
            raise UsageError(
                f"{self.path}: another command began this journal meanwhile: wait until it has ended, then run again"
            )
        _restart(self.path)
        _append(self.path, head.model_dump_json())
        self.head = None

    @property
    def entries(self) -> list[Entry]:
        """All of them, in order."""
        with self._lock:
            return list(self._entries)

    def of(self, network: str, step: str | None = None) -> list[Entry]:
        """The entries of a network, or of one of its steps, in order."""
        with self._lock:
            if step is not None:
                return list(self._by_step.get((network, step), ()))
            return [e for e in self._entries if e.network == network]

    def last_attempt(self, network: str, call: str) -> Entry | None:
        """The newest entry of a call whose attempts are steps: `CALL #1`, `CALL #2`."""
        with self._lock:
            return self._last.get((network, call))

    def has_nonce(self, network: str, nonce: int) -> bool:
        """Whether a transaction of this nonce was signed."""
        with self._lock:
            return nonce in self._nonces.get(network, ())

    def next_nonce(self, network: str) -> int:
        """The nonce behind those that are known to be used, by a block or by somebody else; 0 for none."""
        with self._lock:
            return self._ended.get(network, 0)

    def under_way(self, network: str, step: str) -> list[Entry]:
        """The signatures of a step, replacements too, that may still take effect: none before what is void."""
        signed: list[Entry] = []
        for entry in self.of(network, step):
            if entry.event == "void":
                signed = []
            elif entry.event == "signed":
                signed.append(entry)
        return signed

    def last(self, network: str, step: str, event: Event) -> Entry | None:
        """The newest entry of that event."""
        return next((entry for entry in reversed(self.of(network, step)) if entry.event == event), None)


def journal_path(deployment: Path) -> Path:
    """Beside the deployment file."""
    return deployment.with_name(f"{deployment.stem}.journal.jsonl")


def open_journal(path: Path, header: Header, chains: Mapping[str, int] | None = None) -> Journal:
    """Read a journal, or one that begins with its first entry: who signs nothing leaves no file.

    `chains`: the ids of networks by name. Raises UsageError for a damaged one, and for that of another deployment in
    which there is an entry: of another contract or deployer, or of another chain under the name of one of the networks.
    """
    there, entries, kept = read_journal(path)
    if there is None or not entries:
        return Journal(path, [], header)
    if there != header:
        what = "contract" if there.contract != header.contract else "deployer"
        raise UsageError(
            f"{path}: expected the journal of this deployment, it is of another {what} "
            f"({getattr(there, what)[:42]}, now {getattr(header, what)[:42]}): move it away if it is done with"
        )
    for number, entry in enumerate(entries, start=2):
        if (expected := (chains or {}).get(entry.network, entry.chain_id)) != entry.chain_id:
            raise UsageError(
                f"{path}:{number}: expected the journal of this deployment, in it {entry.network} is chain "
                f"{entry.chain_id}, now {expected}: move it away if it is done with, or give the network another name"
            )
    if kept is not None:
        _cut(path, kept)
    return Journal(path, entries)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """A journal that no other command has meanwhile; it does not have to exist. Raises UsageError."""
    with open_append(path.with_name(path.name + ".lock")) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"{path}: another command of this account is at work: wait until it has ended, or end it (Ctrl-C): run "
                "again, it goes on from there"
            ) from None
        yield


def read_journal(path: Path) -> tuple[Header | None, list[Entry], int | None]:
    """Header and entries, and the length in bytes to keep where a last line is torn. Raises UsageError."""
    header, entries, kept = None, list[Entry](), 0
    try:
        whole = path.stat().st_size
        lines = read_lines(path, max_bytes=BYTES_MAX, max_lines=LINES_MAX, max_values=VALUES_MAX)
        for number, line in enumerate(lines, start=1):
            end = kept + len(line.encode()) + 1
            if end > whole:
                return header, entries, kept
            kept = end
            if number == 1:
                header = _header(line, path)
            else:
                entries.append(_entry(line, f"{path}:{number}"))
    except FileNotFoundError:
        return None, [], None
    except OSError as error:
        raise UsageError(f"{path}: expected a journal, it cannot be read: {error.strerror or error}") from error
    return header, entries, None


def _header(line: str, path: Path) -> Header:
    try:
        return parse_model(line, Header, f"{path}:1")
    except UnfitFile as error:
        raise UsageError(f"{path}:1: expected the head of a journal: {error.strerror}") from error


def _entry(line: str, where: str) -> Entry:
    try:
        return ENTRY.validate_json(line)
    except ValidationError as error:
        raise UsageError(
            f"{where}: expected an entry of a journal: {first_fault(error)}; it was edited or damaged"
        ) from error


def _append(path: Path, line: str) -> None:
    with open_append(path, mode=0o644) as stream:
        stream.write(line.encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def _restart(path: Path) -> None:
    """A journal without a whole entry holds nothing."""
    if path.exists():
        _cut(path, 0)


def _cut(path: Path, length: int) -> None:
    try:
        os.truncate(path, length)
    except OSError as error:
        raise UnfitFile(path, f"its torn last line cannot be removed: {error.strerror}") from error
