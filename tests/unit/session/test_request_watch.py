"""What the history says of a relayer's requests: a line for each chain every five seconds, from genesis on."""

from __future__ import annotations

from lab.chains.scheduler import Scheduler
from lab.evidence import Recorder
from lab.model.records import Requests
from lab.session.request_watch import RequestWatch


def test_what_came_in_each_period_is_counted() -> None:
    """From genesis on, whatever came before, and zero where nothing did."""
    scheduler, recorder = Scheduler("virtual"), Recorder(None)
    counts = {"one": (7, 1), "two": (0, 0)}
    RequestWatch(scheduler, recorder, lambda: counts).start()
    scheduler.advance_to(2_000)
    counts["one"] = (17, 3)
    scheduler.advance_to(11_000)
    counts["two"] = (4, 0)
    scheduler.advance_to(15_000)
    lines = [record for record in recorder.records if isinstance(record, Requests)]
    assert [(line.since_ms, line.t_ms) for line in lines if line.chain == "one"] == [
        (0, 5_000),
        (5_000, 10_000),
        (10_000, 15_000),
    ]
    assert [(line.chain, line.calls, line.limited) for line in lines] == [
        *(("one", 10, 2), ("two", 0, 0)),
        *(("one", 0, 0), ("two", 0, 0)),
        *(("one", 0, 0), ("two", 4, 0)),
    ]
    assert lines[0].per_minute == 120
