"""Restores and migrations; what is not fit is refused before anything is sent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.errors import UsageError
from lab.ops.backup.file import Backup
from lab.ops.backup.migrate import Migration, Retire
from lab.ops.backup.restore import Restoration
from lab.ops.backup.take import take
from lab.ops.chain import OperatedChain
from lab.ops.events import LINE_BYTES_MAX, LOGS_A_LINE
from lab.ops.executors import CalldataExecutor
from lab.ops.procedure import carry_out
from lab.ops.procedures.operators import event_file

from .conftest import Site, address

Start = Callable[..., Site]


def fill(here: Site, chain: str, count: int) -> None:
    """Open transactions by batches."""
    for start in range(0, count, 25):
        numbers = range(start + 1, min(start + 26, count + 1))
        requests = [here.buffer_args(chain, number, in_s=500_000) for number in numbers]
        receipt = here.send(chain, "operator", "buffer_batch", requests, gas=12_000_000)
        assert receipt is not None
        assert receipt["status"] == "0x1"
        here.rpc(chain).call("evm_mine")


def restoration(here: Site, chain: OperatedChain, saved: Backup, there: Any, executors: Any) -> Restoration:
    """As the command makes it."""
    owner, operator = executors
    return Restoration(there.operation, chain, saved, owner.bulk(at_once=50), operator.bulk(at_once=50))


def sent_by_others(here: Site, chain: str, path: Path) -> None:
    """What a file for the Transaction Builder holds, by the account that it names, in blocks."""
    document = json.loads(path.read_text())
    sender = document["meta"]["createdFromSafeAddress"].lower()
    role = next(role for role in ("owner", "operator") if address(role) == sender)
    for call in document["transactions"]:
        receipt = here.send_data(chain, role, call["to"], call["data"], gas=12_000_000)
        assert receipt is not None
        assert receipt["status"] == "0x1"
    here.mine(3)


def test_a_restore_and_a_migration_by_call_data(site: Start, tmp_path: Path) -> None:
    """Phase by phase: each run writes what others have to send next, sends nothing, and goes on from there."""
    here = site("sepolia", "base-sepolia")
    fill(here, "sepolia", 3)
    here.send("sepolia", "owner", "set_coordination_window", 45)
    here.mine(3)
    there = here.opened()
    source, target = there.operation.chains
    saved = take(there.operation, source)
    owner, operator = (
        CalldataExecutor(address(role), tmp_path / role, there.operation.notify, created_ms=0)
        for role in ("owner", "operator")
    )
    runs = []
    for _ in range(4):
        restored = Restoration(there.operation, target, saved, owner, operator).run()
        runs.append([line.partition(":")[0] for line in restored.left])
        if restored.exit_code == 0:
            break
        path = next(result.path for result in restored.results if result.path is not None)
        sent_by_others(here, target.name, path)
    assert runs == [["settings to begin with"], ["buffer"], ["settings"], []]
    # And to a new contract beside the old one: first the old one retires, then what is open is buffered in the new one.
    rpc = here.rpc(target.name)
    created = here.send_data(target.name, "owner", None, here.target.contract.bytecode, gas=10_000_000)
    assert created is not None
    new = replace(target, contract=created["contractAddress"].lower())
    here.send_data(target.name, "owner", new.contract, new.codec.encode("add_operator", [address("operator")]))
    moved = replace(there.operation, chains=(new,), folder=tmp_path / "new")
    nonce = rpc.nonce(address("operator"))
    migrations = []
    for _ in range(3):
        migrated = Migration(there.operation, moved, target.name, owner, operator).run(drain_s=0)
        migrations.append((migrated.exit_code, migrated.moved))
        if migrated.exit_code == 0:
            break
        assert rpc.nonce(address("operator")) == nonce, "nothing is sent"
        name = "owner" if migrated.retired is not None and migrated.retired.exit_code else "operator"
        sent_by_others(here, target.name, tmp_path / name / f"{target.name}.transactions.json")
        nonce = rpc.nonce(address("operator"))
    assert migrations == [(1, 0), (1, 0), (0, 3)]


def test_what_ran_out_in_a_retired_contract_is_not_waited_for(site: Start, tmp_path: Path) -> None:
    """The command ended once the old contract had retired: nobody can end there what is due, so it is named."""
    here = site("sepolia")
    rpc, there = here.rpc("sepolia"), here.opened()
    (old,) = there.operation.chains
    created = here.send_data("sepolia", "owner", None, here.target.contract.bytecode, gas=10_000_000)
    assert created is not None
    new = replace(old, contract=created["contractAddress"].lower())
    here.send_data("sepolia", "owner", new.contract, new.codec.encode("add_operator", [address("operator")]))
    here.send("sepolia", "operator", "buffer_transaction", *here.buffer_args("sepolia", 1, in_s=500_000))
    here.send("sepolia", "operator", "buffer_transaction", *here.buffer_args("sepolia", 2, in_s=500))
    here.mine(3)
    moved = replace(there.operation, chains=(new,), folder=tmp_path / "new")
    with there.executor(address("owner")) as owner, there.executor(address("operator")) as operator:
        assert carry_out(there.operation, Retire(there.operation), owner).exit_code == 0
        rpc.call("evm_increaseTime", 1_000)
        here.mine(3)
        migration = Migration(there.operation, moved, "sepolia", owner, operator)
        first, *others = migration.plan()
        assert first == f"{old.contract} is retired already"
        assert any(line.startswith("leaves 0x") for line in others)
        migrated = migration.run(drain_s=3600)
    assert (migrated.exit_code, migrated.moved) == (1, 1)
    assert [line.partition(" is ")[0] for line in migrated.left] == [f"0x{2:064x}"]


def test_a_restore_wants_an_empty_contract(site: Start) -> None:
    """What is there and not of the backup is not mixed with it: refused, and nothing was sent."""
    here = site("sepolia", "base-sepolia")
    fill(here, "sepolia", 2)
    here.send("base-sepolia", "operator", "buffer_transaction", *here.buffer_args("base-sepolia", 99))
    here.mine(3)
    there = here.opened()
    source, target = there.operation.chains
    saved = take(there.operation, source)
    before = here.rpc("base-sepolia").nonce(address("operator"))
    with there.executor(address("owner")) as owner, there.executor(address("operator")) as operator:
        work = restoration(here, target, saved, there, (owner, operator))
        with pytest.raises(UsageError, match="expected a contract without transactions"):
            work.run()
        with pytest.raises(UsageError, match="deploy a new one"):
            work.plan()
    assert here.rpc("base-sepolia").nonce(address("operator")) == before


def test_events_are_read_again_after_a_reorg(site: Start) -> None:
    """A line whose last block is not the chain's any more is dropped."""
    here = site("sepolia")
    operation = here.operation()
    (chain,) = operation.chains
    snapshot = here.rpc("sepolia").call("evm_snapshot")
    here.send("sepolia", "owner", "add_operator", address("attacker"))
    height = here.rpc("sepolia").block_number()
    assert any(address("attacker") in args.values() for _, args in event_file(operation, chain).events(height))
    here.rpc("sepolia").call("evm_revert", snapshot)
    here.rpc("sepolia").call("evm_setNextBlockTimestamp", hex(int(time.time()) + 1000))
    here.send("sepolia", "owner", "add_operator", address("user"))
    named = [value for _, args in event_file(operation, chain).events(height) for value in args.values()]
    assert address("user") in named
    assert address("attacker") not in named


@pytest.mark.parametrize("logs", [0, 1, LOGS_A_LINE, LOGS_A_LINE + 1, 3 * LOGS_A_LINE])
def test_events_of_a_busy_range_stand_in_many_lines(site: Start, logs: int) -> None:
    """Each within a reader's bound; what a kill cut short, within a range, is read again; a line astray is damage."""
    here = site("sepolia")
    operation = here.operation()
    (chain,) = operation.chains
    file = event_file(operation, chain)
    height = here.rpc("sepolia").block_number()
    (whole,) = file.parts_up_to(height)
    log = {"blockNumber": "0x1", "logIndex": "0x0", "topics": [], "data": "0x" + "00" * 1000}
    parts = whole.model_copy(update={"logs": (log,) * logs}).parts()
    path = operation.folder / "sepolia.events.jsonl"
    head, _ = path.read_text().split("\n", 1)
    lines = [head, *(part.model_dump_json() for part in parts)]
    assert max(map(len, lines)) < LINE_BYTES_MAX
    path.write_text("".join(f"{line}\n" for line in lines))
    assert sum(len(one.logs) for one in event_file(operation, chain).parts_up_to(height)) == logs
    for cut in range(1, len(lines)):
        path.write_text("".join(f"{line}\n" for line in lines[:cut]))
        assert list(event_file(operation, chain).parts_up_to(height)) == [whole]
    if len(parts) > 2:
        path.write_text("".join(f"{line}\n" for line in [*lines[:2], *lines[3:]]))
        with pytest.raises(UsageError, match="remove the file"):
            list(event_file(operation, chain).parts_up_to(height))


def test_an_earlier_backup_is_of_the_same_contract(site: Start) -> None:
    """Another one spares nothing, and would hide something."""
    here = site("sepolia")
    operation = here.operation()
    (chain,) = operation.chains
    saved = take(operation, chain)
    with pytest.raises(UsageError, match="expected an earlier backup of"):
        take(operation, chain, earlier=replace(saved, contract=address("user")))
