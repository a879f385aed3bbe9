"""Arithmetic at its limits: a number is stored exactly or refused, nothing wraps, nothing runs into its neighbour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.coordinator import rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.model.record_parts.about import About
from lab.runner.script import Script

SETUP = """
name: Numbers at and beyond their limits
description: >
  Timestamps, windows and the breaker's threshold up to 2**256 - 1, among them values that would look reasonable when
  cut to 16, 32, 40 or 64 bits. What is not refused must be stored exactly, and must change nothing beside it. A
  timestamp in the far future never counts as passed. Counters go past 255.
rows: [SEC-05]
networks: {optimism: {}}
relayer: none
window: 30s
timeout: 60m
checks: [default, S4, S11]
"""

CHAIN = "optimism"
SETTINGS = (
    "coordination_window",
    "execution_window",
    "breaker_threshold",
    "failure_count",
    "transaction_count",
    "paused",
)
# Setters with the getter of what they set, and numbers that are harmless once their upper bits are lost.
SETTERS = (
    ("set_coordination_window", "coordination_window", (0, 4, 5, 300, 301)),
    ("set_execution_window", "execution_window", (0, 1, 300)),
    ("set_breaker_threshold", "breaker_threshold", (0, 1, 25)),
)
WIDTHS = (16, 32, 40, 64, 128, 160)
TOP = 2**256 - 1
FAILURES, BATCH = 288, 32


def extremes(plausible: int) -> list[int]:
    """Limits of the usual widths from both sides, and numbers that are `plausible` in their lowest bits."""
    edges = [edge for width in WIDTHS for edge in (2**width - 1, 2**width, 2**width + plausible)]
    return [*edges, 2**255, TOP]


def settings(script: Script) -> dict[str, Any]:
    """Everything that a contract may pack together."""
    codec = script.run.lab.spec.target.codec
    return {name: script.read(CHAIN, name) for name in SETTINGS if codec.has(name)}


def judge_setter(script: Script, setter: str, getter: str, value: int) -> None:
    """Stored exactly or refused, and nothing else changed."""
    before = settings(script)
    (tx,) = script.bulk(CHAIN, [(setter, (value,))], role="owner")
    after = settings(script)
    expected = before | {getter: value} if tx.status else before
    changed = {name: after[name] for name in after if after[name] != expected[name]}
    stored = "stored" if tx.status else "refused"
    script.expect(
        f"{setter}({value:#x}) to be stored exactly or refused, and to change nothing else",
        f"{stored}; {changed or 'nothing else changed'}",
        met=not changed,
    )


def judge_timestamps(script: Script) -> None:
    """Timestamps are stored exactly or refused, and what is far in the future neither becomes ready nor expires."""
    soon = script.run.lab.genesis_time + int(script.now_s) + 20
    values = [soon, *extremes(soon)[3:]]
    ids = [f"0x{index:064x}" for index in range(1, len(values) + 1)]
    request = (rollup_address("a"), rollup_address("b"), "0x01", ZERO_ID)
    sent = script.bulk(
        CHAIN, [("buffer_transaction", (tx_id, *request, value)) for tx_id, value in zip(ids, values, strict=True)]
    )
    script.advance(120)
    kept = [(tx_id, value) for tx_id, value, tx in zip(ids, values, sent, strict=True) if tx.status][1:]
    script.bulk(CHAIN, [("resolve_dependency", (tx_id,)) for tx_id, _ in kept])
    if script.run.lab.spec.target.codec.has("expire_transaction"):
        script.bulk(CHAIN, [("expire_transaction", (tx_id,)) for tx_id, _ in kept])
    for tx_id, value, tx in zip(ids, values, sent, strict=True):
        found = script.reader(CHAIN).transaction(tx_id)
        if not tx.status:
            refused = "a timestamp in the past" if value < soon else f"timestamp {value:#x}"
            script.expect(f"{refused} to leave nothing behind", found.state, met=found.state == "EMPTY")
        elif value == soon:
            script.expect("a timestamp of soon to be taken", found.timestamp, met=found.timestamp == value)
        else:
            script.expect(
                f"timestamp {value:#x} to be stored exactly, and to be neither reached nor passed",
                f"{found.timestamp:#x}, {found.state}",
                met=found.timestamp == value and found.state == "BUFFERED",
            )
    script.expect("the ordinary timestamp to be taken", sent[0].status, met=sent[0].status == 1)


def judge_counters(script: Script) -> None:
    """Failures and transactions are counted one by one past the limit of a byte, without touching each other."""
    codec = script.run.lab.spec.target.codec
    if codec.has("set_breaker_threshold"):
        script.bulk(CHAIN, [("set_breaker_threshold", (0,))], role="owner")
    script.bulk(CHAIN, [("set_coordination_window", (5,))], role="owner")
    before = settings(script)
    due = script.run.lab.genesis_time + int(script.now_s) + 10
    ids = [f"0x{0xC0DE << 64 | index:064x}" for index in range(FAILURES)]
    requests = [(tx_id, rollup_address("a"), rollup_address("b"), "0x", ZERO_ID, due) for tx_id in ids]
    if codec.has("buffer_batch", "resolve_batch"):
        slices = range(0, FAILURES, BATCH)
        script.bulk(CHAIN, [("buffer_batch", (requests[at : at + BATCH],)) for at in slices], gas=4_000_000)
        script.advance(30)
        script.bulk(CHAIN, [("resolve_batch", (ids[at : at + BATCH],)) for at in slices], gas=2_000_000)
    else:
        script.bulk(CHAIN, [("buffer_transaction", request) for request in requests])
        script.advance(30)
        script.bulk(CHAIN, [("resolve_dependency", (tx_id,)) for tx_id in ids])
    expected = before | {"transaction_count": before["transaction_count"] + FAILURES}
    after = settings(script)
    if script.run.lab.spec.target.reference:
        expected["failure_count"] = before["failure_count"] + FAILURES
    else:
        # What it counts, and when it stops itself, is for the contract to say.
        expected |= {name: after[name] for name in ("failure_count", "paused") if name in after}
    for name, value in expected.items():
        script.expect_equal(f"{name} after {FAILURES} expiries", after[name], value, about=About(field=name))


def play(script: Script) -> None:
    """Setters, timestamps, counters."""
    codec = script.run.lab.spec.target.codec
    for setter, getter, plausible in SETTERS:
        if codec.has(setter, getter):
            for value in [*extremes(plausible[-1]), *plausible]:
                judge_setter(script, setter, getter, value)
    script.bulk(CHAIN, [("set_coordination_window", (30,))], role="owner")
    judge_timestamps(script)
    judge_counters(script)


def test_arithmetic(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Try every limit and judge the history."""
    lab_run(SETUP, play)
