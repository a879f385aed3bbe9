"""The state of a contract is saved to a file, its chain is lost, and a fresh chain is brought to the same state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.coordinator import role_account, rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.errors import UsageError
from lab.ops.backup import file as backups
from lab.ops.backup.restore import LEAD_S, Restoration, Restored
from lab.ops.backup.take import take
from lab.ops.in_scenario import ScenarioOps
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
DUE_S = 40
GAS = 1_000_000
IDS = [f"0x{0xBAC << 64 | index:064x}" for index in range(12)]


def make_history(script: Script) -> int:
    """Transactions in every state: executed, ready, failed, expired, open; parents and children among them."""
    a, b, now = rollup_address(CHAIN), rollup_address("b"), script.run.lab.genesis_time
    soon, far = now + DUE_S, now + 5_000
    parents = {3: 0, 4: 3, 7: 6, 9: 8}
    requests = [
        (
            tx_id,
            a,
            b,
            "0x" + f"{index:02x}" * min(index * 40, script.run.longest_payload),
            IDS[parents[index]] if index in parents else ZERO_ID,
            due,
        )
        for index, tx_id in enumerate(IDS)
        for due in [soon if index < 8 else far + index]
    ]
    script.bulk(CHAIN, [("buffer_transaction", request) for request in requests], gas=GAS)
    script.advance_to(DUE_S)
    script.bulk(CHAIN, [("resolve_dependency", (IDS[index],)) for index in (0, 1, 2, 3, 5, 4)])
    script.bulk(CHAIN, [("mark_executed", (IDS[index],)) for index in (0, 3, 1)])
    codec = script.run.lab.spec.target.codec
    if script.needs(functions=["mark_failed"]):
        script.bulk(CHAIN, [("mark_failed", (IDS[2],))])
    script.advance_to(DUE_S + 31 + 12)
    script.bulk(CHAIN, [("resolve_dependency", (IDS[index],)) for index in (6, 7)])
    changes = [("set_coordination_window", (45,)), ("remove_operator", (role_account("operator2").address,)),
               ("set_breaker_threshold", (7,)), ("set_execution_window", (600,)), ("pause", ())]  # fmt: skip
    script.bulk(CHAIN, [change for change in changes if codec.has(change[0])], role="owner")
    return script.reader(CHAIN).rpc.block_number()


def refuse_damaged(script: Script, text: str) -> None:
    """One digit changed is enough."""
    path = script.run.lab.spec.folder / "backup-damaged.json"
    path.write_text(text.replace('"timestamp": 1', '"timestamp": 2', 1), encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        backups.read(path)
    script.expect("a changed copy to be refused", "refused", met="damaged" in str(refused.value))


def play(script: Script) -> None:
    """Save, lose, restore, compare."""
    block = make_history(script)
    ops = ScenarioOps(script, name="ops-old", contracts={CHAIN: script.run.lab.spec.target.address})
    (chain,) = ops.operation.chains
    path = script.run.lab.spec.folder / "backup.json"
    taken = take(ops.operation, chain, block=block)
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
    fresh = ScenarioOps(script, name="ops-fresh", contracts={FRESH: script.run.lab.spec.target.address})
    (chain,) = fresh.operation.chains
    owner, operator = fresh.executor("owner").bulk(at_once=50), fresh.executor("operator").bulk(at_once=50)
    restored = Restoration(fresh.operation, chain, saved, owner, operator, LEAD_S).run()
    took_s = script.now_s - lost_s
    failed = [result for result in restored.results if result.outcome != "confirmed"]
    script.expect("every call to succeed", f"{len(failed)} did not", met=not failed)
    compare(script, saved, restored)
    script.note("drill", f"restored in {took_s:.0f} s of simulated time", FRESH)
    script.expect_within("the restoring", 600, since_s=lost_s, at_s=lost_s + took_s)
    script.heal("chain-lost")


def compare(script: Script, saved: backups.Backup, restored: Restored) -> None:
    """Field by field; a timestamp that had passed is the one thing that may differ."""
    rest = restored.differences
    script.expect(f"{restored.fields} fields to be as saved", f"{rest or 'all'}, passed timestamps apart", met=not rest)
    past = sum(each.timestamp < saved.block_time for each in saved.transactions)
    told = f"{len(restored.late)} of {past} transactions have another timestamp"
    script.expect("only timestamps that had passed to be given anew", told, met=len(restored.late) == past)


def test_backup_restore(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP, play)
