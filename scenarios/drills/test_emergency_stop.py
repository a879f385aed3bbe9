"""Five chains are stopped while one of them is silent; then a compromised operator is revoked while it acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.coordinator import role_account, rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.ops.in_scenario import ScenarioOps
from lab.ops.planning import Procedure
from lab.ops.procedure import carry_out
from lab.ops.procedures.operators import RemoveOperator
from lab.ops.procedures.pausing import Pause, Unpause
from lab.ops.report import Report
from lab.runner.operations import Pending
from lab.runner.script import Script

SETUP = """
name: Five chains stopped with one silent, and a compromised operator revoked while it acts
description: >
  `lab ops pause --all` stops four chains while the node of the fifth hangs: that one is reported as unknown, holds no
  other up, and is stopped by the same command once it answers. Then a compromised operator sends to every chain again
  and again while `lab ops revoke --all` removes it: what it sends counts until the block of the removal, and nothing
  after it. The seconds to each stop and to each removal are stated.
rows: [EAC-01, EAC-02]
networks: {ethereum: {}, polygon: {}, arbitrum: {}, optimism: {}, base: {}}
needs: [stop]
relayer: none
timeout: 60m
checks: [default, S6, S10]
"""

SILENT, COMPROMISED = "optimism", "operator"
# What a transaction takes that is sent at once: two blocks of the slowest network.
LIMIT_S = 30
EVERY_S, ACTIVE_S = 3, 15


def carried_out(script: Script, ops: ScenarioOps, procedure: Procedure, expected: int) -> Report:
    """A command on all chains, as --yes has it."""
    report = ops.start(lambda: carry_out(ops.operation, procedure, ops.executor())).result()
    told = "; ".join(f"{one.chain} {one.standing}" for one in report.chains)
    script.expect(f"{procedure.name}: exit code {expected}", told, met=report.exit_code == expected)
    return report


def timed(script: Script, report: Report, what: str, began_s: float) -> None:
    """The seconds from the command to the block that has its call, on each chain where it was sent."""
    for one in report.chains:
        if one.effective_s is None:
            continue
        told = f"in effect after {one.effective_s:.0f} s, final after {one.seconds:.0f} s"
        script.note("drill", f"{what} {told}", one.chain)
        in_effect = f"{one.chain}: {what} in effect"
        script.expect_within(in_effect, LIMIT_S, since_s=began_s, at_s=began_s + one.effective_s)


def stop_all(script: Script, ops: ScenarioOps) -> None:
    """With one silent, and again once it answers; then all go on."""
    names = list(script.run.lab.chains)
    script.inject("silent", "node_pause", chain=SILENT)
    began_s = script.now_s
    report = carried_out(script, ops, Pause(), 3)
    script.expect_equal(
        "how each chain stands",
        {one.chain: one.standing for one in report.chains},
        {name: "unknown" if name == SILENT else "equal" for name in names},
    )
    timed(script, report, "the stop", began_s)
    script.heal("silent")
    again = carried_out(script, ops, Pause(), 0)
    sent = [one.chain for one in again.chains if one.results]
    script.expect_equal("where it was still to be sent", sent, [SILENT])
    script.expect_equal("stopped", {name: script.read(name, "paused") for name in names}, dict.fromkeys(names, True))
    carried_out(script, ops, Unpause(), 0)


def act(script: Script, number: int) -> list[Pending]:
    """What the compromised operator sends next, to every chain."""
    far, calls = script.run.far, []
    for place, chain in enumerate(script.run.lab.chains):
        tx_id = f"0x{(0xC0 << 64) + (place << 32) + number:064x}"
        request = (tx_id, rollup_address(chain), rollup_address("b"), "0x01", ZERO_ID, far)
        calls.append(script.begin(chain, "buffer_transaction", *request, role=COMPROMISED))
    return calls


def revoke(script: Script, ops: ScenarioOps) -> None:
    """It acts before, during and after its removal."""
    sent, number, ended_s = script.finish(act(script, 0)), 0, None
    removal = RemoveOperator(role_account(COMPROMISED).address, ops.operation.declared, last=True, name="revoke")
    began_s = script.now_s
    command = ops.start(lambda: carry_out(ops.operation, removal, ops.executor()))
    while ended_s is None or script.now_s < ended_s + ACTIVE_S:
        number += 1
        sent += act(script, number)
        script.advance(EVERY_S)
        ended_s = script.now_s if ended_s is None and command.done else ended_s
    report = command.result()
    script.finish(sent)
    script.expect("revoke: exit code 0", f"exit code {report.exit_code}", met=report.exit_code == 0)
    timed(script, report, "the removal", began_s)
    for one in report.chains:
        removed = max((result.block for result in one.results if result.block is not None), default=None)
        judge(script, one.chain, [each for each in sent if each.chain == one.chain], removed)


def judge(script: Script, chain: str, sent: list[Pending], removed: int | None) -> None:
    """It did something before, and nothing after the block of its removal."""
    good = [each.block for each in sent if each.outcome == "ok" and each.block is not None]
    refused = sum(each.outcome == "fail" for each in sent)
    told = f"{len(good)} calls took effect, {refused} were refused, removed in block {removed}"
    script.note("drill", f"the compromised operator: {told}", chain)
    late = [block for block in good if removed is None or block > removed]
    met = bool(good) and refused > 0 and not late and len(good) + refused == len(sent)
    script.expect(f"{chain}: what the operator sends to count until its removal, and not after it", told, met=met)


def play(script: Script) -> None:
    """Stop, go on, revoke."""
    ops = ScenarioOps(script)
    stop_all(script, ops)
    revoke(script, ops)


def test_emergency_stop(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP, play)
