"""The time line as a trace that Perfetto opens."""

from __future__ import annotations

import json

from lab.report.trace import trace_text

from .fakes import HOSTILE, eventful


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
    assert "\x1b" not in text and "\\u001b" not in text
