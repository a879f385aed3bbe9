"""A contract is replaced by a new one: drained, stopped, open transactions moved; nothing lost, nothing done twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.coordinator import Reader, role_account, rollup_address
from lab.coordinator.accounts import OPERATOR_ROLES
from lab.coordinator.reads import ZERO_ID
from lab.deploy.deployer import initializers, set_up_calls
from lab.model.records import Tx
from lab.ops.backup.migrate import Migration
from lab.ops.in_scenario import ScenarioOps
from lab.runner.script import Script
from lab.runner.sending import Deployed, send_all

SETUP = """
name: Migration to a new contract
description: >
  What is ready in the old contract is executed; then it is stopped for good, and its state saved. A new contract gets
  the same operators and window, and every transaction that is still open, with all of its fields. It finishes them.
  Each transaction is executed exactly once, in one of the two; the old one does nothing any more.
rows: [OSC-05]
networks: {optimism: {}}
relayer: none
window: 60s
timeout: 30m
checks: [default, S1, S5, S11]
"""

CHAIN, GAS = "optimism", 1_000_000
COUNT, DUE_S, LATER_S = 12, 20, 400
IDS = [f"0x{0x316 << 64 | index:064x}" for index in range(COUNT)]
# The first are due before the migration; 5 is never resolved there and expires, 6 to 11 are open. Children behind.
DUE_FIRST, EXPIRING = range(0, 6), 5
PARENTS = {1: 0, 7: 6, 8: 7}


def fill_old(script: Script) -> None:
    """Buffer all, resolve the first, execute half of them."""
    a, b, now = rollup_address(CHAIN), rollup_address("b"), script.run.lab.genesis_time
    requests = [
        (tx_id, a, b, f"0x{index:02x}", IDS[PARENTS[index]] if index in PARENTS else ZERO_ID,
         now + (DUE_S if index in DUE_FIRST else LATER_S))
        for index, tx_id in enumerate(IDS)
    ]  # fmt: skip
    script.bulk(CHAIN, [("buffer_transaction", request) for request in requests])
    script.advance_to(DUE_S)
    script.bulk(CHAIN, [("resolve_dependency", (IDS[index],)) for index in DUE_FIRST if index != EXPIRING])
    script.bulk(CHAIN, [("mark_executed", (IDS[index],)) for index in (0, 1)])


def drain(script: Script) -> None:
    """Execute what is ready, let expire what is late: what the relayer does while the migration waits for it."""
    states = {tx_id: script.reader(CHAIN).state(tx_id) for tx_id in IDS}
    ready = [tx_id for tx_id, state in states.items() if state == "READY"]
    script.expect("something to drain", f"{len(ready)} ready", met=bool(ready))
    script.bulk(CHAIN, [("mark_executed", (tx_id,)) for tx_id in ready])
    script.advance_to(DUE_S + 61 + 4)
    script.bulk(CHAIN, [("resolve_dependency", (IDS[EXPIRING],))])


def on_new(script: Script, new: Deployed, role: str, calls: list[tuple[str, tuple[Any, ...]]]) -> list[Tx]:
    """Calls of the new contract, each of which has to succeed."""
    sent = send_all(script.run, CHAIN, role, [(new.address, new.codec.encode(*call)) for call in calls], GAS)
    good = sum(tx.status for tx in sent)
    script.expect(f"{calls[0][0]} by {role} on the new contract", f"{good} of {len(calls)}", met=good == len(calls))
    return sent


def prepare(script: Script) -> Deployed:
    """A new contract with the same operators and window, and whatever else the project says of setting it up."""
    target, new = script.run.lab.spec.target, script.deploy_again(CHAIN)
    setters: list[tuple[str, tuple[Any, ...]]] = [("set_coordination_window", (60,))]
    setters += [("add_operator", (role_account(role).address,)) for role in OPERATOR_ROLES]
    on_new(script, new, "owner", setters)
    known = {new.codec.encode(*call) for call in setters} | {call.data for call in initializers(target)}
    for call in set_up_calls(target, window_s=60):
        if call.data not in known:
            (tx,) = send_all(script.run, CHAIN, call.role, [(new.address, call.data)], GAS)
            script.expect(f"{call.what} on the new contract", f"status {tx.status}", met=tx.status == 1)
    return new


def play(script: Script) -> None:
    """Fill, prepare, migrate by the command while it is drained, finish, count."""
    fill_old(script)
    new, target = prepare(script), script.run.lab.spec.target
    old_ops = ScenarioOps(script, name="ops-old")
    new_ops = ScenarioOps(script, name="ops-new", contracts={CHAIN: new.address})
    owner, operator = old_ops.executor("owner"), new_ops.executor("operator")
    migration = Migration(old_ops.operation, new_ops.operation, CHAIN, owner, operator)
    script.note("drill", "; ".join(migration.plan()[:2]), CHAIN)
    command = old_ops.start(lambda: migration.run(drain_s=300))
    drain(script)
    migrated = command.result()
    script.expect("the old contract to retire", migrated.left or "retired", met=not migrated.left)
    script.expect("something to move", f"{migrated.moved} open", met=migrated.moved > 0)
    told = f"{migrated.moved} transactions, {len(migrated.differences)} differences"
    script.expect("what is open to be moved with every field", told, met=migrated.exit_code == 0)
    script.advance_to(LATER_S)
    reader = script.reader(CHAIN)
    second = Reader(reader.rpc, target.codec, new.address, script.run.lab.numbering())
    still_open = [tx_id for tx_id in IDS if second.state(tx_id) == "BUFFERED"]
    on_new(script, new, "operator", [("resolve_dependency", (tx_id,)) for tx_id in still_open])
    on_new(script, new, "operator", [("mark_executed", (tx_id,)) for tx_id in still_open])
    count_executions(script, reader, second)


def count_executions(script: Script, old: Reader, new: Reader) -> None:
    """Each once, in one of the two; the old contract is out of service."""
    old_states = {tx_id: old.state(tx_id) for tx_id in IDS}
    new_states = {tx_id: new.state(tx_id) for tx_id in IDS}
    times = [[old_states[tx_id], new_states[tx_id]].count("EXECUTED") for tx_id in IDS]
    expected = [0 if index == EXPIRING else 1 for index in range(COUNT)]
    script.expect_equal("executions of each transaction in both contracts", times, expected)
    late = script.bulk(CHAIN, [("resolve_dependency", (tx_id,)) for tx_id in IDS if old_states[tx_id] == "BUFFERED"])
    refused = sum(tx.status == 0 for tx in late)
    told = f"{refused} of {len(late)} refused"
    script.expect("the old contract to do nothing any more", told, met=refused == len(late))
    script.note("drill", f"migrated within {script.now_s - DUE_S:.0f} s, waiting for the open ones included", CHAIN)


def test_migration(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP, play)
