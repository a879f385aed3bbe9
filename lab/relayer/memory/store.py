"""The relayer's memory in SQLite: scan position, transactions, intents. Each public write is one transaction.

Rows are keyed by (chain_id, chain, tx_id): two chains of a lab may share a chain id, never a name.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.coordinator import Fees
from lab.errors import EnvironmentFailure, UsageError
from lab.relayer.memory.intents import Intent, Version
from lab.relayer.memory.records import BlockId, Entry, Job, Key, Mark

TRAIL_MAX = 512
# Between the ids of a batch, in `intents.tx_id`.
SEPARATOR = ","
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoints (chain TEXT PRIMARY KEY, number INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trail (chain TEXT, number INTEGER, hash TEXT NOT NULL, timestamp INTEGER NOT NULL,
  PRIMARY KEY (chain, number));
CREATE TABLE IF NOT EXISTS counts (chain TEXT PRIMARY KEY, hash TEXT NOT NULL, count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS transactions (chain_id INTEGER, chain TEXT, tx_id TEXT, origin TEXT NOT NULL,
  target TEXT NOT NULL, dependency TEXT, timestamp INTEGER NOT NULL, payload TEXT, buffered_number INTEGER NOT NULL,
  buffered_hash TEXT NOT NULL, ready_number INTEGER, ready_hash TEXT, ended_number INTEGER, ended_hash TEXT,
  end_state TEXT, PRIMARY KEY (chain_id, chain, tx_id));
CREATE TABLE IF NOT EXISTS intents (id INTEGER PRIMARY KEY, chain_id INTEGER NOT NULL, chain TEXT NOT NULL,
  tx_id TEXT NOT NULL, kind TEXT NOT NULL, nonce INTEGER NOT NULL, data TEXT NOT NULL, gas INTEGER NOT NULL,
  status TEXT NOT NULL, mined_number INTEGER, mined_hash TEXT);
CREATE TABLE IF NOT EXISTS versions (hash TEXT, intent_id INTEGER REFERENCES intents(id), position INTEGER,
  raw TEXT NOT NULL, max_fee TEXT NOT NULL, tip TEXT NOT NULL, cancel INTEGER NOT NULL, confirmed INTEGER NOT NULL,
  sent_block INTEGER NOT NULL, sent_ms INTEGER NOT NULL, PRIMARY KEY (intent_id, position));
CREATE TABLE IF NOT EXISTS begun (intent_id INTEGER PRIMARY KEY REFERENCES intents(id), ms INTEGER NOT NULL);
INSERT OR IGNORE INTO begun SELECT intent_id, MIN(sent_ms) FROM versions GROUP BY intent_id;
CREATE INDEX IF NOT EXISTS open_intents ON intents (status, chain, kind) WHERE status = 'open';
CREATE INDEX IF NOT EXISTS replacements ON versions (position) WHERE position > 0;
"""


class Store:
    """One file for all chains. Raises EnvironmentFailure if it cannot be opened, UsageError if it is another lab's."""

    def __init__(
        self, path: Path, chain_ids: Mapping[str, int], fingerprint: Mapping[str, Any], *, durable: bool
    ) -> None:
        self._ids = dict(chain_ids)
        self._holds = False
        self._held_entries: dict[Key, Entry] = {}
        self._held_intents: dict[int, Intent] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=5)
            # A simulated crash never loses the machine's memory, so only a real run pays for the disk.
            self._db.execute(f"PRAGMA journal_mode={'WAL' if durable else 'MEMORY'}")
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
            self._db.executescript(SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise EnvironmentFailure(f"expected a relayer store at {path}, it cannot be opened: {error}") from error
        self._own(path, json.dumps(fingerprint, sort_keys=True))

    def _own(self, path: Path, fingerprint: str) -> None:
        row = self._db.execute("SELECT value FROM meta WHERE key = 'lab'").fetchone()
        if row is None:
            self._db.execute("INSERT INTO meta VALUES ('lab', ?)", (fingerprint,))
        elif _same_lab(row[0], fingerprint):
            if row[0] != fingerprint:
                self._change_account(fingerprint)
        else:
            self._db.close()
            raise UsageError(
                f"{path}: expected the store of this lab ({fingerprint}), got one of {row[0]}. "
                "Delete the file or name another one."
            )

    def _change_account(self, fingerprint: str) -> None:
        """Another key from now on: what the old one sent may still be mined, but its nonces are not ours to manage.

        A job of it that is done all the same is refused to us by the contract, and learnt from that.
        """
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("UPDATE intents SET status = 'lost' WHERE status = 'open'")
            self._db.execute("UPDATE intents SET mined_number = NULL, mined_hash = NULL")
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'lab'", (fingerprint,))

    def close(self) -> None:
        self._db.close()

    # --- several writes as one ------------------------------------------------------------------------------------

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Entries and intents saved inside are written together, at `flush` or at the end: a commit waits for the disk.

        What was saved before a failure is written all the same; a crash loses it, as it would lose what comes after.
        """
        self._holds = True
        try:
            yield
        except Exception:
            self.flush()
            raise
        else:
            self.flush()
        finally:
            self._holds = False

    def flush(self) -> None:
        """Write down what a batch holds back, in one transaction."""
        entries, intents = self._held_entries, self._held_intents
        if entries or intents:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._put_entries(entries.values())
                for intent in intents.values():
                    self._put_intent(intent)
            self._held_entries, self._held_intents = {}, {}

    def _unless_held(self) -> None:
        if not self._holds:
            self.flush()

    # --- scanning -------------------------------------------------------------------------------------------------

    def trail(self, chain: str) -> list[Mark]:
        """The scanned blocks remembered, ascending; the last is the scan position."""
        rows = self._db.execute("SELECT number, hash, timestamp FROM trail WHERE chain = ? ORDER BY number", (chain,))
        return [(row[0], row[1], row[2]) for row in rows.fetchall()]

    def checkpoint(self, chain: str) -> tuple[int, str] | None:
        """The newest scanned block that was final when it was written: (number, hash)."""
        row = self._db.execute("SELECT number, hash FROM checkpoints WHERE chain = ?", (chain,)).fetchone()
        return (row[0], row[1]) if row else None

    def counted(self, chain: str) -> dict[str, int]:
        """How many transactions the contract counted at the scan position, by block hash; empty where it was not asked.

        A node may have pruned that block's state by the next start.
        """
        return dict(self._db.execute("SELECT hash, count FROM counts WHERE chain = ?", (chain,)).fetchall())

    def entries(self) -> list[Entry]:
        rows = self._db.execute("SELECT * FROM transactions ORDER BY chain, tx_id").fetchall()
        return [_entry(row) for row in rows]

    def save_scan(
        self,
        chain: str,
        *,
        marks: Iterable[Mark],
        checkpoint: tuple[int, str] | None,
        ancestor: int | None = None,
        changed: Iterable[Entry] = (),
        gone: Iterable[Key] = (),
        intents: Iterable[Intent] = (),
        counted: tuple[str, int] | None = None,
    ) -> None:
        """One scan's result, whole or not at all: position, transactions, and intents that a reorg reopened."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if ancestor is not None:
                self._db.execute("DELETE FROM trail WHERE chain = ? AND number > ?", (chain, ancestor))
                self._db.execute("DELETE FROM checkpoints WHERE chain = ? AND number > ?", (chain, ancestor))
            self._db.executemany("INSERT OR REPLACE INTO trail VALUES (?, ?, ?, ?)", [(chain, *mark) for mark in marks])
            self._db.execute(
                "DELETE FROM trail WHERE chain = ? AND number <= (SELECT number FROM trail WHERE chain = ? "
                "ORDER BY number DESC LIMIT 1 OFFSET ?)",
                (chain, chain, TRAIL_MAX),
            )
            if checkpoint is not None:
                self._db.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)", (chain, *checkpoint))
            if counted is not None:
                self._db.execute("INSERT OR REPLACE INTO counts VALUES (?, ?, ?)", (chain, *counted))
            for _, tx_id in gone:
                self._db.execute("DELETE FROM transactions WHERE chain = ? AND tx_id = ?", (chain, tx_id))
            self._put_entries(changed)
            for intent in intents:
                self._put_intent(intent)

    def save_entry(self, entry: Entry) -> None:
        """One transaction whose step was learnt outside a scan."""
        self._held_entries[entry.key] = entry
        self._unless_held()

    def _put_entries(self, entries: Iterable[Entry]) -> None:
        rows = [
            (
                *(self._ids[entry.chain], entry.chain, entry.tx_id, entry.origin, entry.target, entry.dependency),
                *(entry.timestamp, entry.payload, entry.buffered.number, entry.buffered.hash),
                *(*_place(entry.ready), *_place(entry.ended), entry.end_state),
            )
            for entry in entries
        ]
        self._db.executemany(f"INSERT OR REPLACE INTO transactions VALUES ({', '.join('?' * 15)})", rows)

    # --- intents --------------------------------------------------------------------------------------------------

    def intents(self) -> list[Intent]:
        versions: dict[int, list[Version]] = {}
        query = (
            "SELECT intent_id, hash, raw, max_fee, tip, cancel, confirmed, sent_block, sent_ms FROM versions "
            "ORDER BY intent_id, position"
        )
        for owner, tx_hash, raw, max_fee, tip, cancel, confirmed, block, ms in self._db.execute(query).fetchall():
            version = Version(tx_hash, raw, Fees(int(max_fee), int(tip)), bool(cancel), bool(confirmed), block, ms)
            versions.setdefault(owner, []).append(version)
        rows = self._db.execute(
            "SELECT id, chain, kind, tx_id, nonce, data, gas, status, mined_number, mined_hash FROM intents ORDER BY id"
        ).fetchall()
        return [_intent(row, tuple(versions.get(row[0], ()))) for row in rows]

    def save_intent(self, intent: Intent) -> None:
        """An intent with its versions: before anything of it is sent, and after anything of it changed."""
        self._held_intents[intent.id] = intent
        self._unless_held()

    def _put_intent(self, intent: Intent) -> None:
        place = (self._ids[intent.chain], intent.chain, SEPARATOR.join(intent.tx_ids))
        call = (intent.kind, intent.nonce, intent.data, intent.gas, intent.status)
        row = (intent.id, *place, *call, *_place(intent.mined))
        self._db.execute(f"INSERT OR REPLACE INTO intents VALUES ({', '.join('?' * len(row))})", row)
        # What is sent again is sent later; a job is as old as its first version.
        self._db.execute("INSERT OR IGNORE INTO begun VALUES (?, ?)", (intent.id, intent.versions[0].sent_ms))
        # Wei amounts go in as text: SQLite's integers end at 64 bits.
        for position, version in enumerate(intent.versions):
            fees = (str(version.fees.max_fee_per_gas), str(version.fees.max_priority_fee_per_gas))
            flags = (int(version.cancel), int(version.confirmed))
            sent = (version.sent_block, version.sent_ms)
            version_row = (version.hash, intent.id, position, version.raw, *fees, *flags, *sent)
            self._db.execute(
                f"INSERT OR REPLACE INTO versions VALUES ({', '.join('?' * len(version_row))})", version_row
            )

    def spent(self) -> dict[Job, int]:
        """How often each job was mined without reaching its aim; in a batch, with which one of them missed its own."""
        spent: Counter[Job] = Counter()
        for kind, chain, tx_ids in self._db.execute("SELECT kind, chain, tx_id FROM intents WHERE status = 'failed'"):
            spent.update((kind, chain, tx_id) for tx_id in tx_ids.split(SEPARATOR))
        return dict(spent)


def _same_lab(one: str, two: str) -> bool:
    """Whether two fingerprints differ in nothing but the account."""
    parts = [json.loads(text) for text in (one, two)]
    return bool({**parts[0], "account": None} == {**parts[1], "account": None})


def _place(block: BlockId | None) -> tuple[int | None, str | None]:
    return (block.number, block.hash) if block is not None else (None, None)


def _block(chain: str, number: int | None, block_hash: str | None) -> BlockId | None:
    return BlockId(chain, number, block_hash) if number is not None and block_hash is not None else None


def _intent(row: tuple[Any, ...], versions: tuple[Version, ...]) -> Intent:
    number, chain, kind, tx_ids, nonce, data, gas, status, mined_number, mined_hash = row
    first, *others = tx_ids.split(SEPARATOR)
    mined = _block(chain, mined_number, mined_hash)
    return Intent(number, chain, kind, first, nonce, data, gas, status, mined, versions, tuple(others))


def _entry(row: tuple[Any, ...]) -> Entry:
    (_, chain, tx_id, origin, target, dependency, timestamp, payload, *places, end_state) = row
    blocks = [_block(chain, places[index], places[index + 1]) for index in (0, 2, 4)]
    assert blocks[0] is not None
    buffered, ready, ended = blocks[0], blocks[1], blocks[2]
    return Entry(chain, tx_id, origin, target, dependency, timestamp, payload, buffered, ready, ended, end_state)
