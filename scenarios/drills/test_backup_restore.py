"""The state of a contract is saved to a file, its chain is lost, and a fresh chain is brought to the same state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.coordinator import role_account, rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.deploy import backup as backups
from lab.errors import UsageError
from lab.runner.script import Script

SETUP = """
name: State saved, chain lost, state restored on a fresh chain
description: >
  A contract with transactions in every state, some depending on others, and with settings of its own is saved to a
  file through getters and events. A changed copy of the file is refused. The chain is lost. On a fresh one the
  functions of owner and operator bring the contract to the saved state; then every field is compared. Timestamps that
  had passed cannot be given again, which is told and expected; nothing else may differ.
rows: [OSC-03, OSC-04, OPS-05, OPS-04, ENV-06]
networks: {ethereum: {}, fresh: {profile: ethereum}}
relayer: none
window: 30s
timeout: 60m
checks: [default, S1, S11]
"""

CHAIN, FRESH = "ethereum", "fresh"
DUE_S, LEAD_S = 40, 60
GAS = 1_000_000
IDS = [f"0x{0xBAC << 64 | index:064x}" for index in range(12)]


def make_history(script: Script) -> int:
    """Transactions in every state: executed, ready, failed, expired, open; parents and children among them."""
    a, b, now = rollup_address(CHAIN), rollup_address("b"), script.run.lab.genesis_time
    soon, far = now + DUE_S, now + 5_000
    parents = {3: 0, 4: 3, 7: 6, 9: 8}
    requests = [
        (tx_id, a, b, "0x" + f"{index:02x}" * (index * 40), IDS[parents[index]] if index in parents else ZERO_ID, due)
        for index, tx_id in enumerate(IDS)
        for due in [soon if index < 8 else far + index]
    ]
    script.bulk(CHAIN, [("buffer_transaction", request) for request in requests], gas=GAS)
    script.advance_to(DUE_S)
    script.bulk(CHAIN, [("resolve_dependency", (IDS[index],)) for index in (0, 1, 2, 3, 5, 4)])
    script.bulk(CHAIN, [("mark_executed", (IDS[index],)) for index in (0, 3, 1)])
    codec = script.run.lab.wanted.target.codec
    if script.needs(functions=["mark_failed"]):
        script.bulk(CHAIN, [("mark_failed", (IDS[2],))])
    script.advance_to(DUE_S + 31 + 12)
    script.bulk(CHAIN, [("resolve_dependency", (IDS[index],)) for index in (6, 7)])
    changes = [("set_coordination_window", (45,)), ("remove_operator", (role_account("operator2").address,)),
               ("set_breaker_threshold", (7,)), ("set_execution_window", (600,)), ("pause", ())]  # fmt: skip
    script.bulk(CHAIN, [change for change in changes if codec.has(change[0])], role="owner")
    return script.reader(CHAIN).rpc.block_number()


def carry_out(script: Script, plan: list[backups.Phase]) -> None:
    """Send the plan's calls, phase by phase. Every one has to succeed."""
    for phase in plan:
        # A block is known some seconds after the time that it carries: what counts is the latest block's time.
        while phase.not_before and script.run.lab.chains[FRESH].producer.head.timestamp < phase.not_before:
            script.advance(1)
            script.reader(FRESH)
        sent = script.bulk(FRESH, phase.calls, role=phase.role, gas=GAS)
        failed = [tx for tx in sent if tx.status != 1]
        script.expect(f"phase {phase.name} to succeed", f"{len(sent) - len(failed)} of {len(sent)}", met=not failed)


def refuse_damaged(script: Script, text: str) -> None:
    """One digit changed is enough."""
    path = script.run.lab.wanted.folder / "backup-damaged.json"
    path.write_text(text.replace('"timestamp": 1', '"timestamp": 2', 1), encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        backups.read(path)
    script.expect("a changed copy to be refused", "refused", met="damaged" in str(refused.value))


def play(script: Script) -> None:
    """Save, lose, restore, compare."""
    block = make_history(script)
    accounts = [role_account(role).address for role in script.run.recorder.history().header.roles]
    path = script.run.lab.wanted.folder / "backup.json"
    taken = backups.take(script.reader(CHAIN), first_block=1, block=block, known_operators=accounts)
    digest = backups.write(taken, path)
    states = sorted({each.state for each in taken.transactions})
    script.note("drill", f"saved {len(taken.transactions)} transactions as of block {block}, sha256 {digest}", CHAIN)
    enough = {"BUFFERED", "READY", "EXECUTED"} <= set(states)
    script.expect("transactions in every state", ", ".join(states), met=enough)
    refuse_damaged(script, path.read_text(encoding="utf-8"))
    saved = backups.read(path)
    script.inject("chain-lost", "node_kill", chain=CHAIN)
    script.advance(60)
    lost_s = script.now_s
    reader = script.reader(FRESH)
    present = [each for each in accounts if reader.get("authorized_operators", each)]
    now = script.run.lab.genesis_time + round(script.now_s)
    expiry = "expiry" in script.run.lab.wanted.target.capabilities
    carry_out(script, backups.restore_plan(saved, now=now, lead_s=LEAD_S, present=present, expiry=expiry))
    took_s = script.now_s - lost_s
    reader = script.reader(FRESH)
    head = reader.rpc.block_number()
    found = backups.take(reader, first_block=1, block=head, known_operators=accounts)
    compare(script, saved, found, now + LEAD_S)
    script.note("drill", f"restored in {took_s:.0f} s of simulated time", FRESH)
    script.expect("the restoring to take less than ten minutes", f"{took_s:.0f} s", met=took_s < 600)
    script.heal("chain-lost")


def compare(script: Script, saved: backups.Backup, found: backups.Backup, begun: int) -> None:
    """Field by field; a timestamp that had passed is the one thing that may differ."""
    differing = backups.differences(saved, found)
    past = {each.tx_id for each in saved.transactions if each.timestamp < begun}
    late = [each for each in differing if each[1] == "timestamp" and each[0] in past]
    rest = [each for each in differing if each not in late]
    fields = len(saved.settings) + 1 + len(saved.transactions) * len(backups.FIELDS)
    script.expect(f"{fields} fields to be as saved", f"{rest or 'all'}, passed timestamps apart", met=not rest)
    told = f"{len(late)} of {len(past)} transactions have another timestamp"
    script.expect("only timestamps that had passed to be given anew", told, met=len(late) == len(past))


def test_backup_restore(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP, play)
