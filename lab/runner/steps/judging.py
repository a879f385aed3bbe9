"""Steps that look: expect and until. Between two looks time passes: a second at most, a minute for alerts."""

from __future__ import annotations

from lab.checks.bounds import late_ms
from lab.runner.alert_conditions import judge_alert, rows_of
from lab.runner.conditions import Judged, judge_condition
from lab.runner.run import Run
from lab.scenario.expectations import AlertExpectation
from lab.scenario.item import Step

LOOK_MS = 1_000
# Each look at alerts lets promtool evaluate the whole run; what fired meanwhile is seen all the same.
ALERT_LOOK_MS = 60_000


def expect(run: Run, step: Step) -> None:
    """The condition holds now, or within a time, and then for a time where `hold` says so."""
    judged = _wait(run, step)
    if judged.met and step.hold_ms is not None:
        judged = _hold(run, step)
    rows = rows_of(run.item, step.condition) if isinstance(step.condition, AlertExpectation) else ()
    run.expectation(step, _phrase(step, judged), judged.actual, met=judged.met, rows=rows)


def _look(run: Run, step: Step, since_ms: int) -> Judged:
    assert step.condition is not None
    if isinstance(step.condition, AlertExpectation):
        return judge_alert(run, step.condition, since_ms)
    return judge_condition(run.lab, run.item, step.condition)


def _wait(run: Run, step: Step) -> Judged:
    start_ms = run.now_ms
    deadline_ms = start_ms + (step.within_ms or 0)
    pause_ms = ALERT_LOOK_MS if isinstance(step.condition, AlertExpectation) else LOOK_MS
    judged = _look(run, step, start_ms)
    while not judged.met and run.now_ms < deadline_ms:
        run.lab.scheduler.advance_to(min(deadline_ms, run.now_ms + pause_ms))
        judged = _look(run, step, start_ms)
    if judged.met is False and step.within_ms and not isinstance(step.condition, AlertExpectation):
        lag_ms = min(step.within_ms, late_ms(run.recorder.history(), start_ms, deadline_ms))
        return _look_on(run, step, judged, deadline_ms, lag_ms)
    return judged


def _look_on(run: Run, step: Step, judged: Judged, deadline_ms: int, lag_ms: int) -> Judged:
    """What comes too late by less than the machine itself was late: nobody knows whose fault that is."""
    while not judged.met and run.now_ms < deadline_ms + lag_ms:
        run.lab.scheduler.advance_to(min(deadline_ms + lag_ms, run.now_ms + LOOK_MS))
        judged = _look(run, step, deadline_ms)
    if not judged.met:
        return judged
    late_s, lag_s = (run.now_ms - deadline_ms) / 1000, lag_ms / 1000
    machine = f"the machine itself was late by up to {lag_s:.1f} s: run it again on a machine with less to do"
    return Judged(None, judged.expected, f"{judged.actual}, {late_s:.1f} s too late; {machine}")


def _hold(run: Run, step: Step) -> Judged:
    end_ms = run.now_ms + (step.hold_ms or 0)
    judged = _look(run, step, run.now_ms)
    while judged.met is not False and run.now_ms < end_ms:
        run.lab.scheduler.advance_to(min(end_ms, run.now_ms + LOOK_MS))
        judged = _look(run, step, run.now_ms)
    return judged


def _phrase(step: Step, judged: Judged) -> str:
    within = f" within {step.within_ms / 1000:g} s" if step.within_ms else ""
    hold = f" and to hold for {step.hold_ms / 1000:g} s" if step.hold_ms else ""
    return f"{judged.expected}{within}{hold}"
