"""A thousand transactions, each depending on the one before: all become ready in order, and depth costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean
from typing import Any

from lab.coordinator import rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.runner.script import Script

SETUP = """
name: A chain of 1,000 dependencies
description: >
  A thousand transactions on one chain, each depending on the one before it. The deepest is refused while its parents
  are not ready. Then they are resolved from the root down: all become READY, in order. Those of the first and of the
  last fifth are transactions of their own, and cost the same to 5%.
rows: [STR-02]
networks: {ethereum: {}}
relayer: none
window: 300s
timeout: 60m
checks: [default, S1, S2, S4, S11]
"""

CHAIN, DEPTH, BATCH = "ethereum", 1_000, 32
DUE_S = 60
STEP_GAS = 150_000
TOLERANCE = 0.05
IDS = [f"0x{0xDEE9 << 64 | index:064x}" for index in range(DEPTH)]


def buffer_chain(script: Script, due: int) -> None:
    """Root first. In batches where the contract has them."""
    parents = [ZERO_ID, *IDS[:-1]]
    a, b = rollup_address(CHAIN), rollup_address("elsewhere")
    requests = [(tx_id, a, b, "0x", parent, due) for tx_id, parent in zip(IDS, parents, strict=True)]
    if script.run.lab.spec.target.codec.has("buffer_batch"):
        slices = [requests[start : start + BATCH] for start in range(0, DEPTH, BATCH)]
        gas = script.gas(CHAIN, "buffer_batch", (slices[0],), at_least=BATCH * 120_000)
        script.bulk(CHAIN, [("buffer_batch", (each,)) for each in slices], gas=gas)
    else:
        gas = script.gas(CHAIN, "buffer_transaction", requests[0], at_least=250_000)
        script.bulk(CHAIN, [("buffer_transaction", each) for each in requests], gas=gas)


def resolve_chain(script: Script) -> tuple[list[str], list[int], list[int]]:
    """The ids in the order in which they became ready, and what each step cost in the first and in the last fifth."""
    fifth = DEPTH // 5
    batched = script.run.lab.spec.target.codec.has("resolve_batch")
    middle = IDS[fifth:-fifth]
    between: list[tuple[str, Any]] = [("resolve_dependency", (tx_id,)) for tx_id in middle]
    if batched:
        between = [("resolve_batch", (middle[start : start + BATCH],)) for start in range(0, len(middle), BATCH)]
    gas = script.gas(CHAIN, "resolve_dependency", (IDS[0],), at_least=STEP_GAS)
    first = script.bulk(CHAIN, [("resolve_dependency", (tx_id,)) for tx_id in IDS[:fifth]], gas=gas)
    rest = script.bulk(CHAIN, between, gas=gas * (BATCH if batched else 1))
    last = script.bulk(CHAIN, [("resolve_dependency", (tx_id,)) for tx_id in IDS[-fifth:]], gas=gas)
    logs = [log for tx in (*first, *rest, *last) for log in tx.logs if log.event == "TransactionReady"]
    # The root has no parent to look up.
    return [log.args["tx_id"] for log in logs], [tx.gas_used for tx in first[1:]], [tx.gas_used for tx in last]


def play(script: Script) -> None:
    """Buffer, try the deepest, resolve all."""
    buffer_chain(script, script.run.lab.genesis_time + DUE_S)
    script.advance_to(DUE_S)
    (early,) = script.bulk(CHAIN, [("resolve_dependency", (IDS[-1],))])
    reasons = [log.args.get("reason") for log in early.logs if log.event == "TransactionFailed"]
    script.expect_equal("the deepest, resolved first", reasons, ["Dependencies not satisfied"])
    ready, first, last = resolve_chain(script)
    script.expect("all to become READY, from the root down", f"{len(ready)} of {DEPTH}", met=ready == IDS)
    told = f"{mean(first):.0f} gas per step in the first fifth, {mean(last):.0f} in the last"
    flat = abs(mean(last) - mean(first)) <= TOLERANCE * mean(first)
    script.expect("the cost of a step not to depend on its depth", told, met=flat)


def test_dependency_depth(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Resolve the chain and judge the history."""
    lab_run(SETUP, play)
