"""Operators added and removed while transactions get lost: what counts is the list in a final block, not a receipt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.coordinator import role_account, rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.ops.in_scenario import ScenarioOps
from lab.ops.inspection import inspect_chains, look_at_operators
from lab.ops.procedure import carry_out
from lab.ops.procedures.operators import AddOperator, RemoveOperator
from lab.runner.operations import Pending
from lab.runner.script import Script

SETUP = """
name: Operators added and removed, with transactions lost on the way
description: >
  An operator is added; the transaction is lost from the pool and has to be sent again. The operator is removed; the
  block with the removal is lost in a reorg, and the removed operator can act again. `lab ops operators` looks
  at final blocks and sends again what is not there. In the end the list is the declared one, and the removed operator
  can do nothing.
rows: [OSC-01, OPS-02]
networks: {ethereum: {finality: {blocks: 2}}}
relayer: none
timeout: 60m
checks: [default, S6]
"""

CHAIN = "ethereum"


def buffering(script: Script, number: int, role: str) -> Pending:
    """What an operator may do."""
    far = script.run.far
    request = (f"0x{number:064x}", rollup_address(CHAIN), rollup_address("b"), "0x01", ZERO_ID, far)
    return script.call(CHAIN, "buffer_transaction", *request, role=role)


def final_operators(ops: ScenarioOps) -> list[str]:
    """What `lab ops operators list` shows."""
    operation = ops.operation
    report = inspect_chains(operation, "operators list", lambda chain: look_at_operators(operation, chain))
    state = report.of(CHAIN).after
    return [] if state is None else sorted(state.operator_list)


def lose_from_pool(script: Script) -> None:
    """Before it is mined."""
    script.advance(1)
    script.inject("lost-from-pool", "pool_drop", chain=CHAIN)
    script.heal("lost-from-pool")


def lose_in_reorg(script: Script) -> None:
    """After it was mined, and before that is final."""
    account = role_account("user").address
    script.run.lab.scheduler.advance_until(
        lambda: not script.read(CHAIN, "authorized_operators", account),
        deadline_ms=script.run.now_ms + 120_000,
        step_ms=1_000,
        waiting_for="the removal in a block",
    )
    script.expect_equal("the operator, once the removal is mined", False, False)
    script.inject("lost-in-reorg", "reorg", chain=CHAIN, depth=1, orphans="dropped")
    again = script.read(CHAIN, "authorized_operators", account)
    script.expect_equal("the operator, once the removal is gone with its block", again, True)


def transactions(ops: ScenarioOps) -> int:
    """How many blocks the owner's journal saw its transactions in, and how many it signed."""
    journal = (ops.operation.folder / "owner.journal.jsonl").read_text(encoding="utf-8")
    return journal.count('"event":"signed"') + journal.count('"event":"mined"')


def play(script: Script) -> None:
    """Add with a loss, remove with a loss, by the commands; count what it took."""
    ops, user = ScenarioOps(script), role_account("user").address
    owner = ops.executor()
    script.expect_revert(buffering(script, 1, "user"), "Not authorized")
    began_s = script.now_s
    adding = ops.start(lambda: carry_out(ops.operation, AddOperator(user), owner))
    lose_from_pool(script)
    added = adding.result()
    script.expect("the operator to be added for good", f"exit code {added.exit_code}", met=added.exit_code == 0)
    again = transactions(ops)
    script.expect("the addition to have been sent again", f"{again} events of it", met=again > 2)
    script.expect_ok(buffering(script, 1, "user"))
    added_s = script.now_s
    removal = RemoveOperator(user, ops.operation.declared)
    removing = ops.start(lambda: carry_out(ops.operation, removal, owner))
    lose_in_reorg(script)
    removed = removing.result()
    seen = transactions(ops) - again
    script.expect("the removal to have been repeated", f"{seen} events of it", met=removed.exit_code == 0 and seen > 2)
    script.expect_revert(buffering(script, 3, "user"), "Not authorized")
    declared = sorted(ops.operation.declared[CHAIN].operators)
    script.expect_equal("the operators of a final block", final_operators(ops), declared)
    times = f"added within {added_s - began_s:.0f} s, removed within {script.now_s - added_s:.0f} s, both final"
    script.note("drill", times, CHAIN)


def test_operator_management(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP, play)
