"""The relayer's store, read from its file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.coordinator import Fees
from lab.evidence import Recorder
from lab.model.records import StoreRead
from lab.relayer.memory.intents import Intent, Version
from lab.relayer.memory.records import BlockId, Entry
from lab.relayer.memory.store import Store
from lab.runner.conclusion.store_read import read_store
from lab.runner.run import Run

ENTRY = Entry("one", "0x01", "0xf1", "0xf2", None, 30, "0x", BlockId("one", 3, "0xb3"))
INTENT = Intent(
    7, "one", "resolve", "0x01", 4, "0x", 21_000, "done", BlockId("one", 5, "0xb5"),
    (Version("0xaa", "0x", Fees(2, 1), False, True, 4, 0),),
)  # fmt: skip


RELAYER = SimpleNamespace()


def reads(path: Path, *, relayer: Any = RELAYER) -> list[StoreRead]:
    """The lines that a run with chains `one` and `two` records."""
    recorder = Recorder(None)
    lab = SimpleNamespace(store_path=path, relayer=relayer, chains=["one", "two"])
    read_store(cast(Run, SimpleNamespace(lab=lab, recorder=recorder, now_ms=9_000)))
    return [cast(StoreRead, record) for record in recorder.records]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of the reference relayer with one scan and one intent in it."""
    path = tmp_path / "relayer.sqlite"
    store = Store(path, {"one": 1, "two": 1}, {"lab": 1}, durable=False)
    entries = [ENTRY, replace(ENTRY, tx_id="0x02", ready=BlockId("one", 5, "0xb5"))]
    entries.append(replace(entries[1], tx_id="0x03", ended=BlockId("one", 6, "0xb6"), end_state="EXECUTED"))
    store.save_scan(
        "one", ancestor=None, marks=[(3, "0xb3", 10), (6, "0xb6", 16)], changed=entries, gone=(), intents=[INTENT],
        checkpoint=(3, "0xb3"),
    )  # fmt: skip
    store.close()
    return path


def test_a_store_is_read_chain_by_chain(path: Path) -> None:
    """Position, checkpoint, and what is believed of each transaction with the blocks that it rests on."""
    one, two = reads(path)
    assert (one.chain, one.position, one.checkpoint) == ("one", (6, "0xb6"), (3, "0xb3"))
    assert [(each.tx_id, each.state, each.ready) for each in one.beliefs] == [
        ("0x01", "BUFFERED", None),
        ("0x02", "READY", (5, "0xb5")),
        ("0x03", "EXECUTED", (5, "0xb5")),
    ]
    assert one.beliefs[0].buffered == (3, "0xb3")
    assert [(each.kind, each.tx_id, each.nonce, each.status) for each in one.intents] == [
        ("resolve", "0x01", 4, "done")
    ]
    assert (two.position, two.checkpoint, two.beliefs, two.error) == (None, None, (), None)


def test_a_batch_is_an_intent_for_each_of_its_calls(tmp_path: Path) -> None:
    """With the nonce that they share."""
    store = Store(tmp_path / "relayer.sqlite", {"one": 1, "two": 1}, {"lab": 1}, durable=False)
    store.save_intent(replace(INTENT, others=("0x02", "0x03")))
    store.close()
    one, _ = reads(tmp_path / "relayer.sqlite")
    assert [(each.tx_id, each.nonce) for each in one.intents] == [("0x01", 4), ("0x02", 4), ("0x03", 4)]


def test_another_relayers_file_leaves_no_line(tmp_path: Path) -> None:
    """No file, no relayer, or tables that are not the reference's."""
    assert reads(tmp_path / "none.sqlite") == []
    other = tmp_path / "other.sqlite"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE queue (id INTEGER)")
    db.close()
    assert reads(other) == []
    assert reads(other, relayer=None) == []


def test_a_file_that_is_no_database_is_an_error_on_record(tmp_path: Path) -> None:
    """The lab goes on; the check that needs the store says why it cannot judge."""
    path = tmp_path / "relayer.sqlite"
    path.write_bytes(b"not a database, but long enough to look at " * 40)
    assert [read.error for read in reads(path)] == ["DatabaseError: file is not a database"] * 2


def test_a_row_of_another_shape_is_an_error_on_record(path: Path) -> None:
    """A state that no transaction can have."""
    with sqlite3.connect(path) as db:
        db.execute("UPDATE transactions SET end_state = 'GONE' WHERE tx_id = '0x03'")
    db.close()
    assert "ValidationError" in str(reads(path)[-1].error)
