"""Each effect of a flow is lost in a reorg once, before it is final: whoever believed it has to do it again.

Which block holds an effect is seen, not planned: a relayer may be faster or slower than the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.runner.script import Script
from lab.runner.steps.acting import buffer_arguments

# Whose effect is lost: the leg whose id it has, the chain that it is on, the state that it leads to. One flow for each.
EFFECTS = (
    ("pay", "ethereum", "READY"),
    ("pay", "ethereum", "EXECUTED"),
    ("pay", "optimism", "BUFFERED"),
    ("pay", "optimism", "READY"),
    ("settle", "optimism", "READY"),
    ("settle", "optimism", "EXECUTED"),
)
RANKS = ("EMPTY", "BUFFERED", "READY", "EXECUTED", "EXPIRED")
# All are buffered before the first is due, by one of an account in a block, too.
START_S, APART_S, WAIT_S = 12 * (len(EFFECTS) + 2), 24, 400
# Blocks replaced: the newest, which holds the effect, and one before it; less than the finality of either chain.
DEPTH = 2

FLOWS = "\n".join(
    f"  flow{number}:\n"
    f"    pay:    {{chain: ethereum, at: +{START_S + APART_S * number}s}}\n"
    f"    settle: {{chain: optimism, at: +{START_S + 95 + APART_S * number}s, after: pay}}"
    for number in range(len(EFFECTS))
)
SETUP = f"""
name: Every effect of a flow lost in a reorg before it was final
description: >
  A payment's READY, its execution, its mirror's buffering and READY, and the settlement's READY and execution: each is
  orphaned once and its transaction dropped, in a block that was not final yet. All flows end EXECUTED on both sides,
  and no child becomes READY on a parent that is gone.
rows: [NSR-04]
networks:
  ethereum: {{finality: {{blocks: 4}}}}
  optimism: {{finality: {{blocks: 6}}}}
window: 4m
timeout: 30m
flows:
{FLOWS}
checks: [default, S2, S5]
"""


def play(script: Script) -> None:
    """Wait for the effect of each flow and replace its block, then wait for the end of all."""
    legs = {leg.name: leg for leg in script.run.item.legs}
    buffered = {
        name: script.begin(leg.chain, "buffer_transaction", *buffer_arguments(script.run, leg))
        for name, leg in legs.items()
    }
    for pending in script.finish(list(buffered.values())):
        script.expect_ok(pending)
    # Of a flow of which one leg is not there nothing can be lost, and nothing comes.
    refused = {legs[name].flow for name, pending in buffered.items() if pending.outcome != "ok"}
    legs = {name: leg for name, leg in legs.items() if leg.flow not in refused}
    for number, (leg, chain, state) in enumerate(EFFECTS):
        name = f"flow{number}.{leg}"
        if name not in legs:
            continue
        seen = waited(script, chain, legs[name].tx_id, state)
        reached = RANKS.index(seen) >= RANKS.index(state)
        script.expect(f"{name} to be {state} on {chain}, so that it can be lost", seen, met=reached)
        if reached:
            script.inject(f"lose-{number}", "reorg", chain=chain, depth=DEPTH, orphans="dropped")
    for name, spec in legs.items():
        script.expect_equal(f"{name} on {spec.chain}", waited(script, spec.chain, spec.tx_id, "EXECUTED"), "EXECUTED")


def waited(script: Script, chain: str, tx_id: str, state: str) -> str:
    """This state or one behind it; the last one seen where it does not come."""
    end = script.now_s + WAIT_S
    while RANKS.index(seen := script.reader(chain).state(tx_id)) < RANKS.index(state) and script.now_s < end:
        script.advance(1)
    return seen


def test_orphaned_effects(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Lose each of them."""
    lab_run(SETUP, play)
