"""The relayer's account is replaced by one command while flows are under way: added, drained, removed, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.coordinator import role_account
from lab.ops.in_scenario import ScenarioOps
from lab.ops.procedures.rotation import Drain, rotate_operator
from lab.ops.report import Report
from lab.runner.script import Script

SETUP = """
name: The relayer's account is replaced while it works
description: >
  `lab ops rotate relayer` makes a new account an operator on both chains, waits until the old one is drained, and
  removes it. Meanwhile the relayer goes on with the new key on the same store. Every flow ends, those begun with the
  old key and those begun after it, nothing is done twice, and the old key can do nothing any more.
rows: [RTE-06]
networks: {polygon: {}, optimism: {}}
relayer: reference
window: 180s
timeout: 30m
checks: [default, S1, S5, S6, L3]
flows:
  before:
    pay:    {chain: polygon, at: +20s}
    settle: {chain: optimism, at: +30s, after: pay}
  during:
    pay:    {chain: optimism, at: +60s}
    settle: {chain: polygon, at: +80s, after: pay}
"""

OLD, NEW = "relayer", "newowner"
LEGS = ("before.pay", "before.settle", "during.pay", "during.settle")
BEGIN_S, LIMIT_S = 32, 300
DRAIN = Drain(quiet_s=30, within_s=600)


def rotated(ops: ScenarioOps) -> list[Report]:
    """The command, from the owner's account."""
    old, new = role_account(OLD).address, role_account(NEW).address
    return rotate_operator(ops.operation, old, new, ops.executor(), drain=DRAIN)


def play(script: Script) -> None:
    """Begin flows, replace the account while they are open, wait for the end."""
    for leg in LEGS:
        script.expect_ok(script.buffer(leg))
    script.advance_to(max(script.now_s, BEGIN_S))
    ops, began_s = ScenarioOps(script), script.now_s
    command = ops.start(lambda: rotated(ops))
    chains = list(script.run.lab.chains)
    script.run.lab.scheduler.advance_until(
        lambda: all(script.read(name, "authorized_operators", role_account(NEW).address) for name in chains),
        deadline_ms=script.run.now_ms + 120_000,
        step_ms=1_000,
        waiting_for="the new account to be an operator everywhere",
    )
    open_ones = [leg for leg, state in script.states(LEGS).items() if state in ("BUFFERED", "READY")]
    script.expect("flows to be open at the switch", ", ".join(open_ones), met=bool(open_ones))
    script.inject("switch", "key_rotation", role=NEW)
    reports = command.result()
    codes = [report.exit_code for report in reports]
    script.expect_equal("exit codes of adding and removing", codes, [0, 0])
    script.note("drill", f"added, drained and removed within {script.now_s - began_s:.0f} s")
    script.until_executed(LEGS, LIMIT_S)
    for name in chains:
        refused = script.call(name, "mark_executed", script.run.item.leg("before.settle").tx_id, role=OLD)
        script.expect_revert(refused, "Not authorized")


def test_relayer_rotation(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP, play)
