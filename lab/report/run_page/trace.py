"""A run's time line in Chrome's trace format, which Perfetto and chrome://tracing open: a process for each lane.

Spans of one thread have to nest, and Perfetto drops what does not; so each fault, which may overlap any other, has a
thread of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TypedDict

from lab.html.text import clean
from lab.model.history import History
from lab.model.records import Block, EmptyBlocks, FaultMark
from lab.report.run_page.events import events, fault_spans

MAX_EVENTS = 200_000
# Blocks have no duration; this much makes them visible.
BLOCK_US = 1_000
# Thread 0 is taken by the kernel's idle thread.
MAIN = 1


class TraceEvent(TypedDict, total=False):
    """One event of the format, by its own names: times and lengths in microseconds, `pid` the lane."""

    ph: str
    s: str
    name: str
    cat: str
    pid: int
    tid: int
    ts: int
    dur: int
    args: Mapping[str, object]


def trace_text(history: History) -> str:
    """The file's content. The same history gives the same text."""
    other = {"scenario": clean(history.header.scenario, 200), "item": clean(history.header.item, 200)}
    value = {"displayTimeUnit": "ms", "otherData": other, "traceEvents": list(islice(_all(history), MAX_EVENTS))}
    return json.dumps(value, separators=(",", ":")) + "\n"


def _all(history: History) -> Iterator[TraceEvent]:
    chains = list(history.header.chains)
    lanes = [*chains, "relayer", "faults", "scenario"]
    for pid, name in enumerate(lanes, start=1):
        yield _about("process_name", pid, MAIN, name=clean(name, 80))
        yield _about("process_sort_index", pid, MAIN, sort_index=pid)
        yield _about("thread_name", pid, MAIN, name=clean(name, 80))
    pids = {name: index for index, name in enumerate(chains, start=1)}
    relayer, faults, scenario = (len(chains) + offset for offset in (1, 2, 3))
    orphans = {(block.chain, block.hash) for block in history.orphans}
    for record in history.records:
        if isinstance(record, EmptyBlocks):
            name = f"empty blocks {record.first} to {record.last}"
            yield _span(name, pids[record.chain], record.first_t_ms * 1_000, record.t_ms * 1_000 + BLOCK_US)
        elif isinstance(record, Block):
            lost = " (orphaned)" if (record.chain, record.hash) in orphans else ""
            start = record.t_ms * 1_000
            facts = {"transactions": len(record.txs), "gas_used": record.gas_used, "base_fee": record.base_fee}
            yield _span(f"block {record.number}{lost}", pids[record.chain], start, start + BLOCK_US, facts)
    yield from _faults(history, faults)
    for event in events(history):
        lane = pids.get(event.chain or "", scenario)
        if event.kind in ("submit", "note"):
            lane = relayer
        elif event.kind in ("met", "unmet", "operation"):
            lane = scenario
        elif event.kind == "fault":
            lane = faults
        yield {
            "ph": "i",
            "s": "p",
            "name": clean(event.text, 120),
            "cat": event.kind,
            "pid": lane,
            "tid": MAIN,
            "ts": event.t_ms * 1_000,
            "args": {"text": event.text, "orphaned": event.orphaned},
        }


def _faults(history: History, pid: int) -> Iterator[TraceEvent]:
    """Each span on the thread of its fault."""
    spans = fault_spans(history)
    ids = dict.fromkeys(mark.id for mark in history.of(FaultMark))
    threads = {name: number for number, name in enumerate(ids, start=MAIN + 1)}
    for name, thread in threads.items():
        yield _about("thread_name", pid, thread, name=clean(name, 80))
    for span in spans:
        mark = span.injected
        name = f"{clean(mark.fault, 40)} {clean(mark.id, 60)}"
        yield _span(name, pid, mark.t_ms * 1_000, span.end_ms * 1_000, thread=threads[mark.id])


def _about(what: str, pid: int, thread: int, **args: object) -> TraceEvent:
    return {"ph": "M", "name": what, "pid": pid, "tid": thread, "args": args}


def _span(
    name: str, pid: int, start: int, end: int, facts: Mapping[str, object] | None = None, *, thread: int = MAIN
) -> TraceEvent:
    length = max(1, end - start)
    return {"ph": "X", "name": name, "pid": pid, "tid": thread, "ts": start, "dur": length, "args": facts or {}}
