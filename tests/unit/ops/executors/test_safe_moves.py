"""A restore and a migration of a contract that a 2-of-3 Safe owns: what is the owner's is proposed, then gone on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lab.coordinator import Codec, rollup_address
from lab.ops.backup.migrate import Migrated, Migration
from lab.ops.backup.restore import Restoration, Restored
from lab.ops.backup.take import take
from tests.unit.real_safes import EXECUTOR

from .conftest import FIRST, SECOND, THIRD, Owned, send_from

ROUNDS_MAX = 8


def fill(there: Owned, count: int) -> None:
    """So many open transactions in the contract, due in a week."""
    codec, rpc = Codec(there.lab.world.target.contract.abi), there.lab.rpc
    due = int((rpc.block("latest") or {})["timestamp"], 16) + 7 * 86_400
    for number in range(1, count + 1):
        given = [f"0x{number:064x}", rollup_address("a"), rollup_address("b"), "0x5a", "0x" + "00" * 32, due]
        send_from(rpc, EXECUTOR.address, there.contract, codec.encode("buffer_transaction", given))
    there.lab.world.mine()
    there.lab.world.mine()


def rounds(there: Owned, run: Callable[[], Restored | Migrated]) -> list[int]:
    """The command again and again, with two signers between; how many proposals each run left to sign."""
    left = []
    for number in range(ROUNDS_MAX):
        ended = run()
        # One of the two signers is another each time.
        left.append(there.sign_all(FIRST, SECOND if number % 2 else THIRD))
        if ended.exit_code == 0:
            assert left[-1] == 0
            return left
        assert left[-1] == 1, ended.left
        assert any("run the command again" in line for line in ended.left)
    raise AssertionError(f"it never ended: {left}")


def test_a_restore_under_a_safe(owned: Callable[[], Owned]) -> None:
    """Window, operators and the stop are proposed one after another; between them an operator's key buffers."""
    there = owned()
    fill(there, 3)
    source = there.operation(there.contract)
    saved = take(source, source.chains[0])
    assert len(saved.transactions) == 3
    gone = "0x" + "5b" * 20
    saved = replace(
        saved,
        settings=saved.settings | {"coordination_window": 45, "paused": True},
        operators=tuple(sorted((*saved.operators, gone))),
    )
    target = there.operation(there.another())

    def run() -> Restored:
        executors = there.executor(), there.operator().bulk(at_once=5)
        return Restoration(target, target.chains[0], saved, *executors).run()

    assert any(
        "set" in line
        for line in Restoration(target, target.chains[0], saved, there.executor(), there.operator()).plan()
    )
    left = rounds(there, run)
    assert sum(left) == 4
    state = take(target, target.chains[0])
    assert (state.settings["coordination_window"], state.settings["paused"], gone in state.operators) == (
        45,
        True,
        True,
    )
    assert len(state.transactions) == 3


def test_a_migration_under_a_safe(owned: Callable[[], Owned]) -> None:
    """The old contract retires by one proposal, stop and operators together; then an operator moves the rest."""
    there = owned()
    fill(there, 3)
    old, new = there.operation(there.contract), there.operation(there.another())

    def run() -> Migrated:
        return Migration(old, new, "sepolia", there.executor(), there.operator()).run(drain_s=0)

    assert rounds(there, run) == [1, 0]
    there.lab.world.mine()
    there.lab.world.mine()
    retired, moved = take(old, old.chains[0]), take(new, new.chains[0])
    assert (retired.settings["paused"], retired.operators) == (True, ())
    assert [one.tx_id for one in moved.transactions] == [one.tx_id for one in retired.transactions]
