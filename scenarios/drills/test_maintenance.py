"""Maintenance with flows under way: stopped, settings changed, an operator exchanged, started again, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.monitor.collect.maintenance import in_force
from lab.ops.in_scenario import ScenarioOps
from lab.ops.planning import Procedure
from lab.ops.procedure import carry_out
from lab.ops.procedures.maintenance import begin, end
from lab.ops.procedures.settings import SetSetting
from lab.ops.report import Report
from lab.runner.script import Script

SETUP = """
name: A stop for maintenance with flows under way
description: >
  `lab ops maintenance begin` announces the maintenance and stops both contracts while flows are open and the relayer
  works. While they are stopped nothing moves; the window is widened, the breaker's threshold changed, and the relayer
  stopped and started. `lab ops maintenance end` lifts the stop, and every flow is finished by what was open before it.
  The announcement ends with it, and would have ended by itself.
rows: [OSC-06]
networks: {optimism: {}, polygon: {finality: {blocks: 2}}}
needs: [stop]
relayer: reference
window: 120s
timeout: 30m
checks: [default, S1, S5, S10, L3]
flows:
  before:
    pay:    {chain: optimism, at: +20s}
    settle: {chain: polygon, at: +30s, after: pay}
  during:
    pay:    {chain: polygon, at: +50s}
    settle: {chain: optimism, at: +60s, after: pay}
"""

CHAINS = ("optimism", "polygon")
LEGS = ("before.pay", "before.settle", "during.pay", "during.settle")
STOP_S, MAINTENANCE_S, LIMIT_S = 40, 60, 120
FOR_S = 7_200


def on_all(script: Script, ops: ScenarioOps, procedure: Procedure) -> None:
    """The same command on every chain, each to end as it should be."""
    judge(script, carry_out(ops.operation, procedure, ops.executor()))


def judge(script: Script, report: Report) -> None:
    """Every chain is to be as it should be."""
    script.expect_equal(f"chains of {report.procedure}", [one.chain for one in report.chains], list(CHAINS))
    for chain in report.chains:
        told = "; ".join([chain.standing, *chain.left])
        script.expect(f"{chain.chain}: {report.procedure} to end equal", told, met=chain.standing == "equal")


def banner(ops: ScenarioOps) -> Path:
    """Where the exporter would look for it."""
    folder = ops.operation.folder / "banner"
    folder.mkdir(exist_ok=True)
    return folder


def announced(ops: ScenarioOps, *, in_s: float = 0) -> bool:
    """Whether monitoring and the alert routes know of a maintenance at that moment."""
    return in_force(banner(ops), ops.operation.timing.unix() + in_s)


def maintain(script: Script, ops: ScenarioOps) -> None:
    """What is done while the contracts are stopped."""
    relayer = script.run.lab.relayer
    assert relayer is not None
    relayer.stop()
    stopped = script.states(LEGS)
    on_all(script, ops, SetSetting("coordination_window", 300))
    breaker = script.needs(functions=["set_breaker_threshold", "breaker_threshold"])
    if breaker:
        on_all(script, ops, SetSetting("breaker_threshold", 5))
    refused = script.call("polygon", "resolve_dependency", script.run.item.leg("during.pay").tx_id)
    script.expect_revert(refused, "Coordinator is paused")
    script.advance_to(max(script.now_s, STOP_S + MAINTENANCE_S))
    script.expect_equal("the states at the end of the maintenance", script.states(LEGS), stopped)
    for chain in CHAINS:
        script.expect_equal(f"{chain}: stopped", script.read(chain, "paused"), True)
        script.expect_equal(f"{chain}: the window", script.read(chain, "coordination_window"), 300)
        if breaker:
            script.expect_equal(f"{chain}: the threshold", script.read(chain, "breaker_threshold"), 5)
    relayer.start()


def play(script: Script) -> None:
    """Begin flows, stop, maintain, start, wait for the end."""
    for leg in LEGS:
        script.expect_ok(script.buffer(leg))
    script.advance_to(STOP_S)
    ops = ScenarioOps(script)
    judge(script, begin(ops.operation, ops.executor(), for_s=FOR_S, reason="a drill", banner=banner(ops)))
    told = [announced(ops), announced(ops, in_s=FOR_S)]
    script.expect_equal("announced now, and once its time is over", told, [True, False])
    open_ones = [leg for leg, state in script.states(LEGS).items() if state in ("BUFFERED", "READY")]
    script.expect("flows to be open at the stop", ", ".join(open_ones), met=bool(open_ones))
    maintain(script, ops)
    judge(script, end(ops.operation, ops.executor(), banner=banner(ops)))
    script.expect_equal("announced still", announced(ops), False)
    started_s = script.now_s
    script.until_executed(LEGS, LIMIT_S)
    script.note("drill", f"stopped for {started_s - STOP_S:.0f} s, finished {script.now_s - started_s:.0f} s later")


def test_maintenance(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP, play)
