"""An application buffers several transactions in one of its own: their events stand in one receipt, of a call to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.runner.script import Script
from lab.runner.steps.acting import buffer_arguments

SETUP = """
name: An application buffers two transactions in one
description: >
  Not an account but an application's contract is the operator: two payments are buffered in one transaction, and two
  settlements in another. The coordinator is called from within, and one receipt holds the events of both. Each of the
  four is a transaction like any other, and both flows must end executed.
rows: [XCA-02]
networks: {polygon: {}, optimism: {}}
relayer: reference
window: 120s
timeout: 10m
checks: [default, S1, S2, S5, L2, L3]
flows:
  a:
    pay:    {chain: polygon, at: +40s, payload: 64B}
    settle: {chain: optimism, at: +60s, payload: 33B, after: pay}
  b:
    pay:    {chain: polygon, at: +40s, payload: 32B}
    settle: {chain: optimism, at: +60s, payload: 0B, after: pay}
"""

APPLICATION = Path(__file__).parents[2] / "contracts" / "applications" / "Application.vy"
TOGETHER = {"polygon": ("a.pay", "b.pay"), "optimism": ("a.settle", "b.settle")}
GAS, LIMIT_S = 2_000_000, 180


def buffer_together(script: Script, chain: str, legs: tuple[str, ...]) -> None:
    """One transaction to an application that calls the coordinator once for each leg."""
    target = script.run.lab.spec.target
    application = script.deploy(chain, APPLICATION, role="operator")
    script.expect_ok(script.call(chain, "add_operator", application.address, role="owner"))
    calls = [
        target.codec.encode("buffer_transaction", buffer_arguments(script.run, script.run.item.leg(leg)))
        for leg in legs
    ]
    tx = script.call_other(application, "run", target.address, calls, gas=GAS)
    script.expect(f"{' and '.join(legs)} to be buffered in one transaction", f"status {tx.status}", met=tx.status == 1)


def play(script: Script) -> None:
    """Buffer them, and wait for the end."""
    for chain, legs in TOGETHER.items():
        buffer_together(script, chain, legs)
    everywhere = [leg for legs in TOGETHER.values() for leg in legs]
    script.until_executed(everywhere, LIMIT_S - script.now_s)


def test_application(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Play it and judge the history."""
    lab_run(SETUP, play)
