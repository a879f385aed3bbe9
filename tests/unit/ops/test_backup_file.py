"""Backups: the file shows damage, the plan keeps the order, differences are all told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.ops.backup.file import Backup, Saved, differences, read, write
from lab.ops.backup.restoring import Goal

NOW = 5_000
OWNER, OTHER = "0x" + "0a" * 20, "0x" + "0b" * 20


def saved(number: int, state: str, *, timestamp: int = 100, ready_order: int | None = None) -> Saved:
    """One transaction."""
    parent = "0x" + "00" * 32
    return Saved(f"0x{number:064x}", state, OWNER, OTHER, "0x01", parent, timestamp, ready_order)


BACKUP = Backup(
    chain_id=1,
    contract=OTHER,
    block=9,
    block_hash="0x" + "aa" * 32,
    block_time=4_000,
    settings={"owner": OWNER, "coordination_window": 45, "breaker_threshold": 7, "paused": True},
    operators=(OWNER,),
    transactions=(
        saved(1, "READY", ready_order=1),
        saved(2, "EXECUTED", ready_order=0),
        saved(3, "EXPIRED", ready_order=2),
        saved(4, "EXPIRED"),
        saved(5, "BUFFERED", timestamp=NOW + 900),
    ),
)


def test_a_file_comes_back_as_it_was(tmp_path: Path) -> None:
    """And only its owner may read it."""
    path = tmp_path / "backup.json"
    write(BACKUP, path)
    assert read(path) == BACKUP
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("old", "new"), [('"block": 9', '"block": 8'), ('"EXECUTED"', '"READY"'), ("{", "[")])
def test_a_damaged_file_is_refused(tmp_path: Path, old: str, new: str) -> None:
    """Whatever was changed."""
    path = tmp_path / "backup.json"
    write(BACKUP, path)
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=r"damaged|not a backup"):
        read(path)


@pytest.mark.parametrize(("pending", "differs"), [(OWNER, False), (OTHER, True)])
def test_an_owner_who_is_pending_for_itself_is_nobody(pending: str, differs: bool) -> None:
    """So a hand-over is cancelled; no restore could bring that about, and none need."""
    nobody = replace(BACKUP, settings=BACKUP.settings | {"pending_owner": "0x" + "00" * 20})
    given = replace(BACKUP, settings=BACKUP.settings | {"pending_owner": pending})
    assert bool(differences(given, nobody)) is bool(differences(nobody, given)) is differs


def test_the_plan_makes_ready_in_the_order_in_which_it_was() -> None:
    """What had begun gets a timestamp that is still to come; what waits keeps its own; the stop comes last."""
    goal, empty = Goal(BACKUP, expiry=True), replace(BACKUP, settings={}, operators=(OTHER,), transactions=())
    portion = goal.portion(goal.left(empty), empty, size=100, depth=1)
    buffering = goal.buffering(portion, empty, NOW + 60)
    stamps = {args[0]: args[5] for _, args in buffering.calls}
    assert sorted(stamps.values()) == [NOW + 60] * 4 + [NOW + 900]
    there = replace(empty, transactions=tuple(replace(one, state="BUFFERED") for one in BACKUP.transactions))
    (ready,) = goal.readying(portion, there)
    assert [args[0][-1] for _, args in ready.calls] == ["2", "1", "3"]
    assert [phase.name for phase in goal.last_settings(empty) if phase.calls] == ["settings", "operators", "stop"]
    assert goal.left(BACKUP) == [], "restored, nothing is left"


def test_children_are_made_ready_after_their_parents() -> None:
    """A phase for each depth."""
    child = replace(saved(6, "READY", ready_order=3), dependency=BACKUP.transactions[0].tx_id)
    backup = replace(BACKUP, transactions=(*BACKUP.transactions, child))
    there = replace(backup, transactions=tuple(replace(one, state="BUFFERED") for one in backup.transactions))
    goal = Goal(backup, expiry=True)
    portion = goal.portion(goal.left(there), there, size=100, depth=2)
    assert [len(phase.calls) for phase in goal.readying(portion, there)] == [3, 1]
    assert len(goal.portion(goal.left(there), there, size=100, depth=1)) == 3, "the child is for the next portion"


def test_every_difference_is_told() -> None:
    """A field, a setting, one too many and one too few."""
    assert differences(BACKUP, BACKUP) == []
    first, *rest = BACKUP.transactions
    other = replace(
        BACKUP,
        settings={**BACKUP.settings, "paused": False},
        operators=(),
        transactions=(replace(first, payload="0x02"), *rest[:-1], saved(6, "BUFFERED")),
    )
    told = {(what, field) for what, field, _, _ in differences(BACKUP, other)}
    assert told == {
        ("settings", "paused"),
        ("contract", "operators"),
        (first.tx_id, "payload"),
        (rest[-1].tx_id, "transaction"),
        (f"0x{6:064x}", "transaction"),
    }


def test_what_was_over_stays_over() -> None:
    """BUFFERED when its window ended, it waits for a window to end anew before operators come back; others do not."""
    over, open_yet = saved(6, "BUFFERED", timestamp=3_954), saved(7, "BUFFERED", timestamp=3_955)
    backup = replace(BACKUP, transactions=(*BACKUP.transactions, over, open_yet))
    assert [backup.is_over(one) for one in backup.transactions] == [False] * 5 + [True, False]
    goal = Goal(backup, expiry=False)
    again = [replace(one, timestamp=NOW + number) for number, one in enumerate(backup.transactions)]
    assert goal.lapsing(replace(backup, transactions=tuple(again))).not_before == NOW + 5 + 45 + 1
    assert Goal(BACKUP, expiry=False).lapsing(BACKUP).not_before is None
