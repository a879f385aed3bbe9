"""Backups: the file shows damage, the plan keeps the order, differences are all told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.deploy.backup import Backup, Saved, differences, read, restore_plan, write
from lab.errors import UsageError

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


def test_the_plan_makes_ready_in_the_order_in_which_it_was() -> None:
    """What had begun gets a timestamp that is still to come; what waits keeps its own; the stop comes last."""
    plan = {phase.name: phase for phase in restore_plan(BACKUP, now=NOW, lead_s=60, present=[OTHER], expiry=True)}
    stamps = [args[5] for _, args in plan["buffer"].calls]
    assert stamps == [NOW + 60] * 4 + [NOW + 900]
    ready = [int(args[0], 16) for _, args in plan["ready"].calls]
    assert ready == [2, 1, 3]
    assert [int(args[0], 16) for _, args in plan["execute"].calls] == [2]
    assert [int(args[0], 16) for _, args in plan["fail"].calls] == [3]
    assert plan["expire"].calls == (("expire_transaction", (f"0x{4:064x}",)),)
    assert plan["expire"].not_before == NOW + 60 + 45 + 1
    assert plan["operators"].calls == (("add_operator", (OWNER,)), ("remove_operator", (OTHER,)))
    assert list(plan)[-1] == "stop"


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
