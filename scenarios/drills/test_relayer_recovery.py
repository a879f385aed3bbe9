"""The relayer is lost together with its store. A new one, with nothing but its key, recovers from the chains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.ops.in_scenario import ScenarioOps
from lab.ops.inspection import inspect_chains, look_at_health
from lab.runner.script import Script

SETUP = """
name: The relayer and its store are lost
description: >
  In the middle of flows between three networks the relayer dies, and its store is gone. Half a minute later a new one
  starts with an empty store. It finds what is open by reading the chains, finishes every flow in time, and executes
  nothing twice. The time from the loss to the last execution is stated.
rows: [EAC-04, OPS-05]
networks: {ethereum: {finality: {blocks: 1}}, optimism: {}, polygon: {finality: {blocks: 2}}}
relayer: reference
window: 300s
timeout: 30m
checks: [default, S1, S5, L2, L3]
flows:
  first:
    pay:    {chain: optimism, at: +20s, payload: 64B}
    settle: {chain: polygon, at: +40s, payload: 64B, after: pay}
  second:
    pay:    {chain: ethereum, at: +40s, payload: 32B}
    settle: {chain: optimism, at: +60s, payload: 32B, after: pay}
  third:
    pay:    {chain: polygon, at: +90s}
    settle: {chain: ethereum, at: +120s, after: pay}
"""

LOST_S, GONE_S, LIMIT_S = 52, 30, 240
LEGS = ("first.pay", "first.settle", "second.pay", "second.settle", "third.pay", "third.settle")


def play(script: Script) -> None:
    """Begin flows, lose the relayer and its store, start a new one, wait for the end."""
    if script.run.lab.spec.own_relayer is not None:
        script.note("not exercised", "the drill deletes the reference relayer's store: yours is not known to the lab")
        return
    for leg in LEGS:
        script.expect_ok(script.buffer(leg))
    script.advance_to(max(LOST_S, script.now_s))
    lost_s, before = script.now_s, script.states(LEGS)
    told = ", ".join(f"{leg} {state}" for leg, state in before.items())
    script.expect("the loss to come in the middle", told, met=len(set(before.values())) > 1)
    script.inject("relayer-lost", "relayer_kill")
    store = script.run.lab.store_path
    kept = list(store.parent.glob(f"{store.name}*"))
    for part in kept:
        part.unlink()
    script.expect("a store to have been lost", "deleted" if kept else "there was none", met=bool(kept))
    script.advance(GONE_S)
    script.heal("relayer-lost")
    restarted_s = script.now_s
    script.until_executed(LEGS, LIMIT_S)
    recovered_s = script.now_s
    took = f"{recovered_s - lost_s:.0f} s after the loss, {recovered_s - restarted_s:.0f} s after the new start"
    script.note("drill", f"recovered {took}")
    operation = ScenarioOps(script).operation
    health = inspect_chains(operation, "health", lambda chain: look_at_health(operation, chain))
    told = "; ".join(line for chain in health.chains for line in chain.left) or "none"
    script.expect("findings of the health check: none", told, met=health.exit_code == 0)
    script.expect_within("recovery after the new start", LIMIT_S, since_s=restarted_s, at_s=recovered_s)


def test_relayer_recovery(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Carry the drill out and judge the history."""
    lab_run(SETUP, play)
