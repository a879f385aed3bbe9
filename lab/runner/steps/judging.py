"""Steps that look: expect and until. Between two looks time passes: a second at most, a minute for alerts."""

from __future__ import annotations

from lab.checks.attempts import left_undone
from lab.checks.bounds import lapse_excuse, window_end_ms
from lab.checks.lateness import because, excuse, late_ms
from lab.checks.replay import replay
from lab.metrics.latency import leg_times
from lab.runner.alert_conditions import judge_alert, rows_of
from lab.runner.conditions import Judged, judge_condition
from lab.runner.run import Run
from lab.scenario.expectations import AlertExpectation, StateExpectation
from lab.scenario.item import Step

LOOK_MS = 1_000
# Each look at alerts lets promtool evaluate the whole run; what fired meanwhile is seen all the same.
ALERT_LOOK_MS = 60_000
LATE_MAX_MS = 60_000


def expect(run: Run, step: Step) -> None:
    """The condition holds now, or within a time, and then for a time where `hold` says so."""
    judged = _wait(run, step)
    if judged.met and step.hold_ms is not None:
        judged = _hold(run, step)
    rows = rows_of(run.item, step.condition) if isinstance(step.condition, AlertExpectation) else ()
    tried = _undone(run, step) if judged.met is False else None
    words = _phrase(step, judged), judged.actual
    run.expectation(step, *words, met=judged.met, tried=tried, rows=rows, about=judged.about)


def _undone(run: Run, step: Step) -> str | None:
    """What the relayer did last for a leg that it could have brought further, or for the one that this waits for."""
    if not isinstance(step.condition, StateExpectation) or step.condition.state not in ("READY", "EXECUTED"):
        return None
    history = run.history()
    leg = history.leg(step.condition.leg)
    return (left_undone(history, leg) or None) if leg is not None and history.header.poll_ms else None


def _look(run: Run, step: Step, since_ms: int) -> Judged:
    assert step.condition is not None
    if isinstance(step.condition, AlertExpectation):
        return judge_alert(run, step.condition, since_ms)
    return judge_condition(run.lab, run.item, step.condition)


def _wait(run: Run, step: Step) -> Judged:
    start_ms = run.now_ms
    deadline_ms = start_ms + (step.within_ms + _delays_ms(run, step) if step.within_ms else 0)
    judged = _look_until(run, step, _look(run, step, start_ms), start_ms, deadline_ms)
    if judged.met is not False:
        return judged
    if not step.within_ms and (why := _left(run, step)) is not None:
        return Judged(None, judged.expected, f"{judged.actual}; the last look at it was {why}")
    # What is to be so at once was under way before; what comes too late by less than the machine is nobody's fault.
    lag_ms = late_ms(run.history(), start_ms if step.within_ms else 0, deadline_ms)
    judged = _look_until(run, step, judged, start_ms, deadline_ms + min(step.within_ms or LATE_MAX_MS, lag_ms))
    if not judged.met:
        return _lapsed(run, step, judged)
    why = because(run.now_ms - deadline_ms, lag_ms)
    return Judged(None, judged.expected, f"{judged.actual}; the time was {why}")


def _delays_ms(run: Run, step: Step) -> int:
    """What the contract asks for between buffering and resolve, of a leg and those before it, beside `within`."""
    if not isinstance(step.condition, StateExpectation):
        return 0
    limits, waited_ms = run.lab.spec.target.limits, 0
    delayed = bool(limits.resolve_after_blocks or limits.resolve_after_seconds)
    name = step.condition.leg if delayed else None
    while name is not None:
        leg = run.item.leg(name)
        chain = run.lab.chains[leg.chain]
        idle_ms = 0 if chain.profile.mines_empty_blocks else chain.producer.idle_ms or 0
        block_ms = max(chain.profile.block_time_ms, idle_ms)
        waited_ms += (limits.resolve_after_blocks or 0) * block_ms + (limits.resolve_after_seconds or 0) * 1000
        name = leg.after
    return waited_ms


def _look_until(run: Run, step: Step, judged: Judged, start_ms: int, end_ms: int) -> Judged:
    pause_ms = ALERT_LOOK_MS if isinstance(step.condition, AlertExpectation) else LOOK_MS
    while not judged.met and run.now_ms < end_ms:
        run.lab.scheduler.advance_to(min(end_ms, run.now_ms + pause_ms))
        judged = _look(run, step, start_ms)
    return judged


def _hold(run: Run, step: Step) -> Judged:
    end_ms = run.now_ms + (step.hold_ms or 0)
    judged = _look(run, step, run.now_ms)
    while judged.met is not False and run.now_ms < end_ms:
        run.lab.scheduler.advance_to(min(end_ms, run.now_ms + LOOK_MS))
        judged = _look(run, step, run.now_ms)
    if judged.met is False and (why := _left(run, step, end_ms)) is not None:
        return Judged(None, judged.expected, f"{judged.actual}; the end of that time was {why}")
    return judged


def _left(run: Run, step: Step, until_ms: int | None = None) -> str | None:
    """Why nobody can be blamed for a leg that had left its state by now, or `until_ms`: those looks may be too late."""
    if not isinstance(step.condition, StateExpectation):
        return None
    history, name = run.history(), step.condition.leg
    times = next(times for times in leg_times(history) if times.leg.name == name)
    ends = {"EMPTY": times.buffered_ms, "BUFFERED": times.ready_ms, "READY": times.executed_ms}
    left_ms = ends.get(step.condition.state)
    return None if left_ms is None else excuse(history, 0, left_ms, until_ms or run.now_ms)


def _lapsed(run: Run, step: Step, judged: Judged) -> Judged:
    """Of a leg that missed its window nothing more comes, and that may be the machine's fault."""
    if not isinstance(step.condition, StateExpectation) or step.condition.state == "EXPIRED":
        return judged
    history = run.history()
    leg = history.leg(step.condition.leg)
    missed = leg is not None and replay(history, leg.chain).entry(leg.tx_id).first("READY", "EXECUTED") is None
    if leg is None or not missed or run.now_ms <= window_end_ms(history, leg):
        return judged
    why = lapse_excuse(history, leg)
    return judged if why is None else Judged(None, judged.expected, f"{judged.actual}, past its window; {why}")


def _phrase(step: Step, judged: Judged) -> str:
    within = f" within {step.within_ms / 1000:g} s" if step.within_ms else ""
    hold = f" and to hold for {step.hold_ms / 1000:g} s" if step.hold_ms else ""
    return f"{judged.expected}{within}{hold}"
