"""Thousands of events in a few blocks: a query for logs, the receipts and the recorded history hold the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from lab.coordinator import rollup_address
from lab.coordinator.documented import EVENTS
from lab.coordinator.reads import ZERO_ID
from lab.model.records import Block
from lab.rpc import Rpc
from lab.runner.script import Script
from lab.runner.sending import GAS

SETUP = """
name: Thousands of events in a few blocks
description: >
  The same transactions are resolved too early, over and over: each attempt is an event. Then they become ready.
  Nothing may be lost on the way: what a query for logs returns, as a whole and in parts, is what the receipts hold
  and what the lab recorded; positions in a block have no gap.
rows: [STR-05]
networks: {polygon: {}}
relayer: none
window: 300s
timeout: 60m
checks: [default, S1, S11]
"""

CHAIN, IDS_COUNT, BATCHES, SINGLES = "polygon", 64, 64, 1_500
DUE_S = 120
# A contract may emit more than the documentation says.
DOCUMENTED = {name for name, event in EVENTS.items() if event.part == "documented"}
PART_BLOCKS = 5
IDS = [f"0x{0xE7E17 << 64 | index:064x}" for index in range(IDS_COUNT)]
Key = tuple[int, int]


def cause_events(script: Script) -> int:
    """How many events were asked for."""
    codec = script.run.lab.spec.target.codec
    a, b, due = rollup_address(CHAIN), rollup_address("elsewhere"), script.run.lab.genesis_time + DUE_S
    requests = [(tx_id, a, b, "0x", ZERO_ID, due) for tx_id in IDS]
    gas = script.gas(CHAIN, "buffer_transaction", requests[0], at_least=GAS)
    script.bulk(CHAIN, [("buffer_transaction", request) for request in requests], gas=gas)
    resolve_gas = script.gas(CHAIN, "resolve_dependency", (IDS[0],), at_least=100_000)
    if codec.has("resolve_batch"):
        gas = script.gas(CHAIN, "resolve_batch", (IDS,), at_least=1_500_000)
        script.bulk(CHAIN, [("resolve_batch", (IDS,))] * BATCHES, gas=gas)
        early = BATCHES * len(IDS)
    else:
        expected = [IDS[index % len(IDS)] for index in range(SINGLES)]
        script.bulk(CHAIN, [("resolve_dependency", (tx_id,)) for tx_id in expected], gas=resolve_gas)
        early = SINGLES
    script.advance_to(DUE_S)
    gas = script.gas(CHAIN, "resolve_dependency", (IDS[0],), at_least=150_000)
    script.bulk(CHAIN, [("resolve_dependency", (tx_id,)) for tx_id in IDS], gas=gas)
    return len(IDS) + early + len(IDS)


def by_place(logs: list[dict[str, Any]]) -> dict[Key, tuple[str, ...]]:
    """Logs by block and position, as they stand."""
    return {
        (int(log["blockNumber"], 16), int(log["logIndex"], 16)): (log["transactionHash"], *log["topics"], log["data"])
        for log in logs
    }


def from_receipts(rpc: Rpc, head: int, contract: str) -> list[dict[str, Any]]:
    """Every log of the contract that a receipt holds."""
    receipts = [each for number in range(2, head + 1) for each in rpc.call("eth_getBlockReceipts", hex(number))]
    return [log for receipt in receipts for log in receipt["logs"] if log["address"].lower() == contract]


def play(script: Script) -> None:
    """Cause them, then count them in four ways."""
    asked = cause_events(script)
    script.advance(10)
    contract = script.run.lab.spec.target.address
    rpc = script.reader(CHAIN).rpc
    head = rpc.block_number()
    logs = from_receipts(rpc, head, contract)
    truth = by_place(logs)
    codec = script.run.lab.spec.target.codec
    documented = [log for log in logs if (seen := codec.decode_log(log)) is not None and seen.event in DOCUMENTED]
    script.expect_equal("documented events in receipts", len(documented), asked)
    script.expect("a query for all logs to hold them", len(truth), met=by_place(rpc.logs(contract, 2, head)) == truth)
    parts = [rpc.logs(contract, first, min(first + PART_BLOCKS - 1, head)) for first in range(2, head + 1, PART_BLOCKS)]
    joined = by_place([log for part in parts for log in part])
    script.expect(f"queries of {PART_BLOCKS} blocks each to hold them", len(joined), met=joined == truth)
    per_block = Counter(number for number, _ in truth)
    gaps = [number for number, size in per_block.items() if {(number, at) for at in range(size)} - truth.keys()]
    script.expect("positions without a gap", f"{len(gaps)} of {len(per_block)} blocks with one", met=not gaps)
    recorded = [
        ((block.number, log.index), (tx.hash, log.event, log.args))
        for block in script.run.recorder.history().of(Block)
        if block.number >= 2
        for tx in block.txs
        for log in tx.logs
    ]
    decoded = {}
    for place, (tx_hash, *topics, data) in truth.items():
        log = codec.decode_log({"topics": topics, "data": data})
        decoded[place] = (tx_hash, log.event, log.args) if log else (tx_hash, "unknown", {})
    told = f"{len(recorded)} events"
    script.expect("the recorded history to hold them, once each", told, met=len(recorded) == len(decoded))
    script.expect("each as the receipts have it", told, met=dict(recorded) == decoded)


def test_event_volume(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Cause events and judge the history."""
    lab_run(SETUP, play)
