"""Reads the relayer's store once the relayer has ended: what it really wrote down, not what it would say of itself.

Only the reference relayer's SQLite file is known here. Another relayer's store is its own affair: nothing is recorded
of it, and the checks that need it say that they were not exercised.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from pydantic import ValidationError

from lab.model.record_parts.store import Place, StoredBelief, StoredIntent
from lab.model.records import StoreRead
from lab.runner.run import Run

TABLES = frozenset({"checkpoints", "trail", "transactions", "intents"})


def read_store(run: Run) -> None:
    """One line for each chain; none where there is no store that the lab can read."""
    path = run.lab.store_path
    if run.lab.relayer is None or not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
            tables = {str(row[0]) for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables >= TABLES:
                return
            for name in run.lab.chains:
                run.recorder.add(store_of(db, name, run.now_ms))
    except (sqlite3.Error, ValidationError, TypeError, ValueError) as error:
        for name in run.lab.chains:
            reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            run.recorder.add(StoreRead(t_ms=run.now_ms, chain=name, error=reason))


def store_of(db: sqlite3.Connection, chain: str, t_ms: int) -> StoreRead:
    """What the store holds of one chain, in an order of its own."""

    def rows(query: str) -> list[tuple[Any, ...]]:
        return db.execute(query, (chain,)).fetchall()

    checkpoints = rows("SELECT number, hash FROM checkpoints WHERE chain = ?")
    positions = rows("SELECT number, hash FROM trail WHERE chain = ? ORDER BY number DESC LIMIT 1")
    transactions = rows(
        "SELECT tx_id, origin, timestamp, buffered_number, buffered_hash, ready_number, ready_hash, end_state "
        "FROM transactions WHERE chain = ? ORDER BY tx_id"
    )
    intents = rows("SELECT kind, tx_id, nonce, status FROM intents WHERE chain = ? ORDER BY id")
    return StoreRead(
        t_ms=t_ms,
        chain=chain,
        checkpoint=_place(*checkpoints[0]) if checkpoints else None,
        position=_place(*positions[0]) if positions else None,
        beliefs=tuple(_belief(row) for row in transactions),
        intents=tuple(
            StoredIntent(kind=kind, tx_id=tx_id, nonce=nonce, status=status)
            for kind, tx_ids, nonce, status in intents
            # A batch has the ids of all its calls.
            for tx_id in str(tx_ids).split(",")
        ),
    )


def _place(number: int | None, block_hash: str | None) -> Place | None:
    return (number, block_hash) if number is not None and block_hash is not None else None


def _belief(row: tuple[Any, ...]) -> StoredBelief:
    tx_id, origin, timestamp, buffered, buffered_hash, ready, ready_hash, end_state = row
    state = end_state or ("BUFFERED" if ready is None else "READY")
    places = {"buffered": (buffered, buffered_hash), "ready": _place(ready, ready_hash)}
    # The file may hold anything: it is validated, not trusted.
    return StoredBelief.model_validate(
        {"tx_id": tx_id, "state": state, "origin": origin, "timestamp": timestamp, **places}
    )
