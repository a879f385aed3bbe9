"""The store: what is written is read back, whole or not at all, and only by the lab that it belongs to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lab.coordinator import Fees
from lab.errors import EnvironmentFailure, UsageError
from lab.monitor.collect.relayer import look_at
from lab.relayer.memory.intents import Intent, Version
from lab.relayer.memory.records import BlockId, Entry, Mark
from lab.relayer.memory.store import TRAIL_MAX, Store

BLOCK = BlockId("one", 5, "0x" + "55" * 32)
ENTRY = Entry("one", "0x01", "0xa1", "0xa2", None, 100, "0xab", BLOCK)
VERSION = Version("0xaa", "0x02", Fees(2**70, 2**65), False, False, 4, 9000)
INTENT = Intent(1, "one", "resolve", "0x01", 0, "0xda", 21000, "open", None, (VERSION,))


def opened(path: Path) -> Store:
    """A store of a lab with two chains that share a chain id."""
    return Store(path, {"one": 10, "two": 10}, {"lab": 1}, durable=False)


def save(store: Store, *entries: Entry, ancestor: int | None = None, marks: tuple[int, ...] = ()) -> None:
    """A scan's result with hashes made up from numbers."""
    found = [(number, f"0x{number:064x}", number * 2) for number in marks]
    store.save_scan("one", ancestor=ancestor, marks=found, changed=entries, gone=(), intents=(), checkpoint=None)


def test_the_exporter_counts_the_calls_of_a_batch(tmp_path: Path) -> None:
    """Three in one transaction are three that wait."""
    path = tmp_path / "relayer.sqlite"
    store = Store(path, {"one": 1}, {"lab": 1}, durable=False)
    version = Version("0xaa", "0x", Fees(2, 1), False, True, 4, 700)
    store.save_intent(
        Intent(1, "one", "resolve", "0x01", 4, "0x", 1, "open", None, (version,), others=("0x02", "0x03"))
    )
    store.save_intent(Intent(2, "one", "execute", "0x04", 5, "0x", 1, "done", None, (version,)))
    store.close()
    view = look_at(path, lambda: True)
    assert (view.queue, view.oldest_ms, view.replaced) == ({("one", "resolve"): 3}, 700, {})


def test_a_job_sent_again_is_as_old_as_before(tmp_path: Path) -> None:
    """Its last sending, which is what the relayer waits by, says nothing of how long it has been under way."""
    path = tmp_path / "relayer.sqlite"
    store = Store(path, {"one": 1}, {"lab": 1}, durable=False)
    for sent_ms in (700, 4_700, 8_700):
        version = Version("0xaa", "0x", Fees(2, 1), False, True, 4, sent_ms)
        store.save_intent(Intent(1, "one", "resolve", "0x01", 4, "0x", 1, "open", None, (version,)))
    assert store.intents()[0].last.sent_ms == 8_700
    store.close()
    assert look_at(path, lambda: True).oldest_ms == 700


def test_jobs_of_a_store_from_before_are_as_old_as_is_known(tmp_path: Path) -> None:
    """One that did not keep when a job began: its last sending is the earliest that is on record."""
    path = tmp_path / "relayer.sqlite"
    store = Store(path, {"one": 1}, {"lab": 1}, durable=False)
    version = Version("0xaa", "0x", Fees(2, 1), False, True, 4, 700)
    store.save_intent(Intent(1, "one", "resolve", "0x01", 4, "0x", 1, "open", None, (version,)))
    store.close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TABLE begun")
    Store(path, {"one": 1}, {"lab": 1}, durable=False).close()
    assert look_at(path, lambda: True).oldest_ms == 700


def test_entries_and_intents_survive_a_restart(tmp_path: Path) -> None:
    """Everything comes back equal, wei above 64 bits included."""
    store = opened(tmp_path / "s.sqlite")
    ended = replace(
        ENTRY, chain="two", dependency="0x09", end_state="EXECUTED",
        buffered=BlockId("two", 5, "0x55"), ready=BlockId("two", 6, "0x66"), ended=BlockId("two", 7, "0x77"),
    )  # fmt: skip
    save(store, ENTRY, ended)
    raised = replace(INTENT, versions=(VERSION, replace(VERSION, hash="0xbb", cancel=True, confirmed=True)))
    store.save_intent(raised)
    store.save_intent(replace(INTENT, id=2, status="failed", mined=BLOCK))
    store.close()
    again = opened(tmp_path / "s.sqlite")
    assert again.entries() == [ENTRY, ended]
    assert again.intents() == [raised, replace(INTENT, id=2, status="failed", mined=BLOCK)]
    assert again.spent() == {("resolve", "one", "0x01"): 1}


def test_a_reorg_cuts_the_trail_and_removes_what_is_gone(tmp_path: Path) -> None:
    """Marks and the checkpoint above the ancestor vanish with the transactions, in one write."""
    store = opened(tmp_path / "s.sqlite")
    save(store, ENTRY, marks=(3, 5, 7))
    store.save_scan("one", ancestor=None, marks=(), changed=(), gone=(), intents=(), checkpoint=(5, "0x55"))
    new: list[Mark] = [(8, "0x88", 16)]
    store.save_scan("one", ancestor=3, marks=new, changed=(), gone=[ENTRY.key], intents=(), checkpoint=None)
    assert [mark[0] for mark in store.trail("one")] == [3, 8]
    assert store.checkpoint("one") is None
    assert store.entries() == []


def test_the_trail_is_bounded(tmp_path: Path) -> None:
    """Only the newest marks are kept."""
    store = opened(tmp_path / "s.sqlite")
    save(store, marks=tuple(range(1, TRAIL_MAX + 101)))
    numbers = [mark[0] for mark in store.trail("one")]
    assert len(numbers) == TRAIL_MAX
    assert numbers[-1] == TRAIL_MAX + 100


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    """A scan that cannot be written whole is not written at all, and the store stays usable."""
    store = opened(tmp_path / "s.sqlite")
    broken = replace(ENTRY, origin=None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        save(store, broken, marks=(1, 2))
    assert store.trail("one") == []
    assert store.entries() == []
    save(store, ENTRY, marks=(1,))
    assert store.entries() == [ENTRY]


def test_the_store_of_another_lab_is_refused(tmp_path: Path) -> None:
    """Other contracts under the same path: a usage error that says what to do."""
    opened(tmp_path / "s.sqlite").close()
    with pytest.raises(UsageError, match="Delete the file"):
        Store(tmp_path / "s.sqlite", {"one": 10}, {"lab": 2}, durable=False)


def test_a_path_that_cannot_be_opened_is_an_environment_failure(tmp_path: Path) -> None:
    """A folder in place of the file."""
    with pytest.raises(EnvironmentFailure, match="cannot be opened"):
        opened(tmp_path)


def test_a_batch_is_written_at_its_end_or_when_it_is_flushed(tmp_path: Path) -> None:
    """What another reader of the file sees; the last of several states of one intent counts."""
    path = tmp_path / "s.sqlite"
    store, other = opened(path), opened(path)
    with store.batch():
        store.save_intent(INTENT)
        store.save_entry(ENTRY)
        assert (other.intents(), other.entries()) == ([], [])
        store.flush()
        assert (other.intents(), other.entries()) == ([INTENT], [ENTRY])
        store.save_intent(replace(INTENT, status="done"))
        store.save_intent(replace(INTENT, status="failed"))
        assert other.intents() == [INTENT]
    assert [intent.status for intent in other.intents()] == ["failed"]
    store.save_intent(replace(INTENT, id=2))
    assert len(other.intents()) == 2


class Killed(BaseException):
    """As a crash: nobody handles it."""


@pytest.mark.parametrize(("trouble", "kept"), [(RuntimeError, 1), (Killed, 0)])
def test_a_batch_keeps_what_came_before_a_failure_and_loses_it_in_a_crash(
    tmp_path: Path, trouble: type[BaseException], kept: int
) -> None:
    """A failure says nothing against what was learnt before it."""
    path = tmp_path / "s.sqlite"
    store = opened(path)
    with pytest.raises(trouble), store.batch():  # noqa: PT012 - the batch is what is under test
        store.save_intent(INTENT)
        raise trouble
    assert len(opened(path).intents()) == kept
