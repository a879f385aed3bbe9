"""The time line as a trace that Perfetto opens."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from lab.model.history import History
from lab.model.record_parts.fault_effects import FaultEffects
from lab.model.records import FaultMark
from lab.report.run_page.trace import trace_text

from ..fakes import HOSTILE, eventful


def overlapping() -> History:
    """Two faults, the second of which begins in the first and outlasts it; then the first once more."""
    records = list(eventful().records)
    marks = [("one", 96_000, "inject"), ("two", 97_000, "inject"), ("one", 98_000, "heal"), ("two", 99_000, "heal"),
             ("one", 100_000, "inject"), ("one", 101_000, "heal")]  # fmt: skip
    for name, t_ms, phase in marks:
        values: dict[str, Any] = {"id": name, "fault": "halt", "chain": "ethereum", "phase": phase}
        values |= {"effects": FaultEffects(chains=("ethereum",))} if phase == "inject" else {}
        records.append(FaultMark(seq=len(records), t_ms=t_ms, **values))
    return History(records)


def test_lanes_spans_and_instants() -> None:
    """A process for each chain, and for relayer, faults and scenario; times in microseconds."""
    trace = json.loads(trace_text(eventful()))
    names = {event["args"]["name"]: event["pid"] for event in trace["traceEvents"] if event["name"] == "process_name"}
    assert list(names) == ["ethereum", "optimism", "relayer", "faults", "scenario"]
    spans = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    slow = next(event for event in spans if event["name"] == "rpc_latency slow-rpc")
    assert (slow["pid"], slow["ts"], slow["dur"]) == (names["faults"], 24_000_000, 26_000_000)
    assert any(event["name"] == "block 4 (orphaned)" and event["pid"] == names["ethereum"] for event in spans)
    instants = {event["name"]: event for event in trace["traceEvents"] if event["ph"] == "i"}
    assert instants["swap.pay executed"]["ts"] == 60_000_000
    assert all(event["dur"] > 0 for event in spans)


def test_the_same_history_gives_the_same_text() -> None:
    """And whatever a node said is one clean line."""
    text = trace_text(eventful(revert=HOSTILE))
    assert text == trace_text(eventful(revert=HOSTILE))
    assert "\x1b" not in text
    assert "\\u001b" not in text


def test_it_is_what_perfetto_takes() -> None:
    """Whole numbers, a name for each process and thread that is used, and spans of one thread that nest."""
    found = json.loads(trace_text(overlapping()))["traceEvents"]
    named = {(event["pid"], event["tid"]) for event in found if event["name"] == "thread_name"}
    threads: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for event in found:
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        assert min(event["pid"], event["tid"]) > 0
        assert (event["pid"], event["tid"]) in named
        if event["ph"] != "M":
            assert isinstance(event["ts"], int)
            assert event["ts"] >= 0
        if event["ph"] == "X":
            threads.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
        assert event["ph"] != "i" or event["s"] in ("g", "p", "t")
    for spans in threads.values():
        ordered = sorted(spans, key=lambda span: (span[0], -span[1]))
        assert all(later[0] >= sooner[1] or later[1] <= sooner[1] for sooner, later in pairwise(ordered))


def test_a_fault_that_comes_again_is_two_spans() -> None:
    """Each ends where it was healed."""
    found = json.loads(trace_text(overlapping()))["traceEvents"]
    spans = [(event["ts"], event["dur"]) for event in found if event["name"] == "halt one"]
    assert spans == [(96_000_000, 2_000_000), (100_000_000, 1_000_000)]
