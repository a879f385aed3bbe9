"""Operators added and removed while transactions get lost: what counts is the list in a final block, not a receipt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.coordinator import role_account, rollup_address
from lab.coordinator.accounts import OPERATOR_ROLES
from lab.coordinator.reads import ZERO_ID
from lab.runner.operations import Pending
from lab.runner.script import Script

SETUP = """
name: Operators added and removed, with transactions lost on the way
description: >
  An operator is added; the transaction is lost from the pool and has to be sent again. The operator is removed; the
  block with the removal is lost in a reorg, and the removed operator can act again. Whoever manages operators looks
  at a final block and repeats what is not there. In the end the list is the declared one, and the removed operator
  can do nothing.
rows: [OSC-01]
networks: {ethereum: {finality: {blocks: 2}}}
relayer: none
timeout: 60m
checks: [default, S6]
"""

CHAIN, FINAL_BLOCKS, SLOT_S = "ethereum", 2, 12
TRIES_MAX = 5
DECLARED = ("owner", *OPERATOR_ROLES)


def final_operators(script: Script) -> set[str]:
    """Who is an operator as of the last final block, of all accounts that anybody has the key of."""
    reader = script.reader(CHAIN)
    final = reader.rpc.block_number() - FINAL_BLOCKS
    roles = script.run.recorder.history().header.roles
    return {role for role, address in roles.items() if reader.get("authorized_operators", address, block=final)}


def bring_about(script: Script, function: str, role: str, disturb: Callable[[Pending], None]) -> int:
    """Add or remove until a final block says so; how many times it had to be asked for."""
    wanted = set(DECLARED) | {role} if function == "add_operator" else set(DECLARED)
    for attempt in range(1, TRIES_MAX + 1):
        pending = script.begin(CHAIN, function, role_account(role).address, role="owner")
        if attempt == 1:
            disturb(pending)
        script.finish([pending])
        script.advance((FINAL_BLOCKS + 1) * SLOT_S)
        if final_operators(script) == wanted:
            return attempt
    return TRIES_MAX + 1


def buffering(script: Script, number: int, role: str) -> Pending:
    """What an operator may do."""
    far = script.run.lab.genesis_time + 100_000
    request = (f"0x{number:064x}", rollup_address(CHAIN), rollup_address("b"), "0x01", ZERO_ID, far)
    return script.call(CHAIN, "buffer_transaction", *request, role=role)


def lose_from_pool(script: Script, pending: Pending) -> None:
    """Before it is mined."""
    script.advance(1)
    script.inject("lost-from-pool", "pool_drop", chain=CHAIN)
    script.heal("lost-from-pool")
    script.finish([pending])
    script.expect("the addition to have been sent again", f"{len(pending.hashes)} times", met=len(pending.hashes) > 1)


def lose_in_reorg(script: Script, pending: Pending) -> None:
    """After it was mined, and before that is final."""
    script.finish([pending])
    there = script.read(CHAIN, "authorized_operators", role_account("user").address)
    script.expect_equal("the operator, once the removal is mined", there, False)
    script.inject("lost-in-reorg", "reorg", chain=CHAIN, depth=1, orphans="dropped")
    still = buffering(script, 2, "user")
    script.expect_ok(still, because="the removal is gone with its block, so nobody was removed: look again")


def play(script: Script) -> None:
    """Add with a loss, remove with a loss, count what it took."""
    script.expect_revert(buffering(script, 1, "user"), "Not authorized")
    began_s = script.now_s
    asked = bring_about(script, "add_operator", "user", lambda pending: lose_from_pool(script, pending))
    script.expect("the operator to be added for good", f"asked for {asked} times", met=asked <= TRIES_MAX)
    script.expect_ok(buffering(script, 1, "user"))
    added_s = script.now_s
    asked = bring_about(script, "remove_operator", "user", lambda pending: lose_in_reorg(script, pending))
    script.expect("the removal to have been repeated", f"asked for {asked} times", met=1 < asked <= TRIES_MAX)
    script.expect_revert(buffering(script, 3, "user"), "Not authorized")
    script.expect_equal("the operators of a final block", sorted(final_operators(script)), sorted(DECLARED))
    times = f"added within {added_s - began_s:.0f} s, removed within {script.now_s - added_s:.0f} s, both final"
    script.note("drill", times, CHAIN)


def test_operator_management(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP, play)
