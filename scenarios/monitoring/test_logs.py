"""The log of monitoring and its metrics are complete for a known run: what the history has is there, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from lab.coordinator import role_account
from lab.monitor.metrics import PREFIX, series_name
from lab.runner.operations import Pending
from lab.runner.script import Script

SETUP = """
name: Logs and metrics are complete for a known run, over a reorg
description: >
  Two flows cross two chains, an attacker is refused, and a reorg orphans blocks on the way. Every transaction to the
  contract is one line of the log, with run, chain, block and hash; every event of a final block is counted once; who
  called without a role is on record.
rows: [INF-03, MON-04, OPS-03]
networks: {polygon: {finality: {blocks: 6}}, optimism: {finality: {blocks: 2}}}
window: 5m
timeout: 20m
monitor: true
flows:
  east:
    pay:    {chain: polygon, at: +20s}
    settle: {chain: optimism, at: +40s, after: pay}
  west:
    pay:    {chain: optimism, at: +20s}
    settle: {chain: polygon, at: +40s, after: pay}
"""

# A sample at 30 s sees the call of the attacker, which the reorg orphans.
ATTACK_S, REORG_S, DEPTH, END_S = 28, 31, 3, 180
CHAINS, LEGS = ("polygon", "optimism"), ("east.pay", "east.settle", "west.pay", "west.settle")


Receipts = dict[str, list[dict[str, Any]]]


def receipts(script: Script, chain: str) -> list[dict[str, Any]]:
    """Of all transactions that call or make the contract, from the chain as it is now."""
    rpc, target = script.run.lab.chains[chain].look(), script.run.lab.spec.target.address.lower()
    numbers = range(1, rpc.block_number() + 1)
    found = [receipt for number in numbers for receipt in rpc.call("eth_getBlockReceipts", hex(number))]
    return [receipt for receipt in found if str(receipt["to"]).lower() == target or receipt["logs"]]


def events_of(script: Script, receipt: dict[str, Any]) -> list[str]:
    """The names of its events."""
    codec = script.run.lab.spec.target.codec
    return [log.event for raw in receipt["logs"] if (log := codec.decode_log(raw)) is not None]


def judge_metrics(script: Script, found: Receipts) -> None:
    """The last sample of each counter against the receipts."""
    monitor = script.run.monitor
    assert monitor is not None
    for chain, of_chain in found.items():
        events = Counter(event for receipt in of_chain for event in events_of(script, receipt))
        for event, count in sorted(events.items()):
            series = monitor.log.series.get(series_name(f"{PREFIX}events_total", {"chain": chain, "event": event}))
            counted = series[-1] if series else None
            script.expect_equal(f"{chain}: {event} counted", counted, float(count), rows=["MON-04"])
    refused = series_name(f"{PREFIX}unauthorized_calls_total", {"chain": "polygon", "function": "pause"})
    script.expect_equal("refused calls counted", monitor.log.series[refused][-1], 1.0, rows=["INF-03"])
    reorgs = series_name(f"{PREFIX}chain_reorgs_total", {"chain": "polygon"})
    script.expect_equal("reorgs counted", monitor.log.series[reorgs][-1], 1.0, rows=["INF-03"])


def judge_log(script: Script, found: Receipts) -> None:
    """Each transaction is one line, each event one for its block; no line without run and chain."""
    monitor = script.run.monitor
    assert monitor is not None
    lines, run = monitor.lines, script.run.item.item
    for chain, of_chain in found.items():
        logged = Counter((line["tx"], line["event"]) for line in lines if line["chain"] == chain and "tx" in line)
        target = script.run.lab.spec.target.address.lower()
        calls = [each["transactionHash"] for each in of_chain if str(each["to"]).lower() == target]
        wrong = [tx for tx in calls if logged[tx, "call"] != 1]
        words = f"{len(wrong)} of {len(calls)} not"
        script.expect(f"{chain}: a line for each call", words, met=not wrong, rows=["INF-03"])
        events = Counter(
            (receipt["transactionHash"], event, int(receipt["blockNumber"], 16))
            for receipt in of_chain
            for event in events_of(script, receipt)
        )
        placed = Counter((line["tx"], line["event"], line["block"]) for line in lines if "tx" in line)
        lacking = [event for event, count in events.items() if placed[event] != count]
        words = f"{len(lacking)} of {len(events)} lack"
        script.expect(f"{chain}: a line for each event", words, met=not lacking, rows=["INF-03"])
    whole = [line for line in lines if line["run"] == run and line["chain"] in CHAINS and line["ts"]]
    script.expect_equal("lines with run, chain and time", len(whole), len(lines), rows=["INF-03"])
    script.expect("lines that are JSON", len(lines), met=bool(lines), rows=["INF-03"])


def judge_intruder(script: Script, attack: Pending) -> None:
    """Who called without a role is on record: sender, function and reason, by the hash of the transaction."""
    monitor, attacker = script.run.monitor, role_account("attacker").address.lower()
    assert monitor is not None
    lines = [line for line in monitor.lines if line["event"] == "call" and line["sender"] == attacker]
    record = [(line["function"], line["ok"], line["reason"]) for line in lines]
    expected = [("pause", False, attack.revert)]
    script.expect_equal("the attacker's calls in the log", record, expected, rows=["OPS-03"])


def play(script: Script) -> None:
    """Let the flows cross, with a reorg and an attacker between; then compare."""
    for leg in LEGS:
        script.expect_ok(script.buffer(leg))
    script.advance_to(ATTACK_S)
    attack = script.call("polygon", "pause", role="attacker")
    script.advance_to(REORG_S)
    script.inject("reorg", "reorg", chain="polygon", depth=DEPTH, orphans="requeued")
    script.advance_to(END_S)
    states = [script.reader(leg.chain).state(leg.tx_id) for leg in map(script.run.item.leg, LEGS)]
    script.expect_equal("the legs", set(states), {"EXECUTED"})
    found = {chain: receipts(script, chain) for chain in CHAINS}
    judge_metrics(script, found)
    judge_log(script, found)
    judge_intruder(script, attack)


def test_logs(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Run it, then read log and metrics."""
    lab_run(SETUP, play)
