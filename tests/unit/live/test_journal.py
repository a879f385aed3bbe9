"""The journal: what is in it after a crash at any byte, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.live.journaling.journal import ENTRY, Entry, Header, open_journal

HEADER = Header(contract="ab" * 32, deployer="0x" + "11" * 20)


def entry(number: int) -> Entry:
    """One of several that differ."""
    return Entry(network="a", chain_id=1, step="deploy", event="signed", nonce=number, tx=f"0x{number}", raw="0x02")


def test_a_crash_at_any_byte_loses_at_most_the_last_line(tmp_path: Path) -> None:
    """Whatever is left of the file can be opened, and gone on with."""
    path = tmp_path / "d.journal.jsonl"
    journal = open_journal(path, HEADER)
    for number in range(3):
        journal.add(entry(number))
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        again = open_journal(path, HEADER)
        complete = max(0, whole[:length].count(b"\n") - 1)
        assert [one.nonce for one in again.of("a")] == list(range(complete))
        again.add(entry(9))
        assert [one.nonce for one in open_journal(path, HEADER).of("a")] == [*range(complete), 9]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (Header(contract="cd" * 32, deployer=HEADER.deployer), "another contract"),
        (Header(contract=HEADER.contract, deployer="0x" + "22" * 20), "another deployer"),
    ],
)
def test_the_journal_of_another_deployment(tmp_path: Path, other: Header, what: str) -> None:
    """It is refused, and left as it is."""
    path = tmp_path / "d.journal.jsonl"
    open_journal(path, HEADER).add(entry(0))
    before = path.read_bytes()
    with pytest.raises(UsageError, match=what):
        open_journal(path, other)
    assert path.read_bytes() == before


def test_the_journal_of_another_chain(tmp_path: Path) -> None:
    """A file of the same contract and deployer, in which a network's name stands for another chain."""
    path = tmp_path / "d.journal.jsonl"
    open_journal(path, HEADER).add(entry(0))
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"d\.journal\.jsonl:2: expected .* in it a is chain 1, now 5: move it away"):
        open_journal(path, HEADER, {"a": 5})
    assert path.read_bytes() == before
    assert open_journal(path, HEADER, {"a": 1, "b": 5}).of("a") == [entry(0)]


@pytest.mark.parametrize("damage", ["{}", '{"network": 5}', "[]", "no JSON", '{"journal":1}'])
def test_a_line_in_the_middle_that_is_none(tmp_path: Path, damage: str) -> None:
    """A journal with a hole is not acted upon: file and line are named."""
    path = tmp_path / "d.journal.jsonl"
    open_journal(path, HEADER).add(entry(0))
    path.write_text(path.read_text() + damage + "\n" + ENTRY.dump_json(entry(1)).decode() + "\n")
    with pytest.raises(UsageError, match=r"d\.journal\.jsonl:3: expected an entry"):
        open_journal(path, HEADER)


def test_a_journal_begins_with_its_first_entry(tmp_path: Path) -> None:
    """Who only looks leaves nothing behind, and what has no entry is nobody's."""
    path = tmp_path / "d.journal.jsonl"
    open_journal(path, HEADER)
    assert not path.exists()
    path.write_text(HEADER.model_dump_json() + "\n")
    other = Header(contract="cd" * 32, deployer=HEADER.deployer)
    open_journal(path, other).add(entry(0))
    assert [one.nonce for one in open_journal(path, other).of("a")] == [0]


def test_two_that_begin_at_once(tmp_path: Path) -> None:
    """What the first one wrote stays; the second one is refused before it signs."""
    path = tmp_path / "d.journal.jsonl"
    first, second = open_journal(path, HEADER), open_journal(path, HEADER)
    first.add(entry(0))
    before = path.read_bytes()
    with pytest.raises(UsageError, match="another command began this journal meanwhile"):
        second.add(entry(1))
    assert path.read_bytes() == before


def test_no_room_for_what_becomes_of_a_transaction_is_no_time_to_sign_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal that nobody can read any more would lose what is under way."""
    monkeypatch.setattr("lab.live.journaling.journal.SIGNED_MAX", 2)
    path = tmp_path / "d.journal.jsonl"
    journal = open_journal(path, HEADER)
    for number in range(2):
        journal.add(entry(number))
    with pytest.raises(UsageError, match="fewer than 2 entries before another transaction is signed, it has 2: move"):
        journal.add(entry(2))
    journal.add(replace(entry(1), event="mined", raw=""))
    assert len(open_journal(path, HEADER).entries) == 3
