"""L4: a crash at any commit point converges to the result of a run without the crash.

What that result is follows from the history alone. A relayer that had not died would have brought every leg that it
could resolve in time to EXECUTED, once. So it must be after the last death and the start that followed: every leg that
was not executed before the death, and that could then be made READY and executed in a calm time before its window
closed, ends EXECUTED by exactly one execution. A leg that was READY already has no window to miss. What was never
resolvable, or only outside of a calm time, is left out; that it stays unexecuted is S2's and L2's to say.
"""

from __future__ import annotations

from lab.checks.attempts import last_step
from lab.checks.bounds import Bound, calm_bound, closes_ms, doubted, parent_allows_ms, resolvable_ms
from lab.checks.facts import clock, is_suspended, suspension_note
from lab.checks.judgement import Judgement
from lab.checks.replay import Entry, replay
from lab.model.history import History
from lab.model.records import Leg, RelayerMark
from lab.model.verdict import CheckResult


def judge(history: History) -> CheckResult:
    """Judges every leg that a death of the relayer had in its way."""
    judgement = Judgement("L4", "crashed leg", "relayer")
    marks = [mark for mark in history.of(RelayerMark) if mark.kind == "relayer"]
    deaths = [mark for mark in marks if mark.is_death]
    if not deaths:
        return judgement.result("the relayer never died")
    later = [mark for mark in marks if mark.t_ms >= deaths[-1].t_ms and mark.seq > deaths[-1].seq]
    back = next((mark for mark in later if mark.event == "start"), None)
    if back is None:
        return judgement.result("the relayer died and was not started again")
    for leg in history.header.legs:
        entry = replay(history, leg.chain).entry(leg.tx_id)
        executed = entry.first("EXECUTED")
        if entry.first("BUFFERED") is None or (executed and executed.step.block.t_ms < deaths[0].t_ms):
            continue
        _judge_leg(history, judgement, leg, entry, deaths[0], back)
    return judgement.result("no leg that the relayer still had to do became executable in a calm time after its return")


def _judge_leg(
    history: History, judgement: Judgement, leg: Leg, entry: Entry, death: RelayerMark, back: RelayerMark
) -> None:
    parent = history.leg(leg.after) if leg.after else None
    if is_suspended(history, leg, parent):
        judgement.note(suspension_note(history))
        return
    executions = entry.into("EXECUTED")
    if executions:
        judgement.judged += 1
        if len(executions) > 1:
            steps = [move.step.block for move in executions]
            _fail(judgement, leg, death, back, f"it was EXECUTED {len(steps)} times", *(block.seq for block in steps))
        return
    ready, executed = _due(history, leg, entry, back)
    if isinstance(executed, str):
        judgement.note(f"{leg.name} {executed}")
        return
    by_ms = executed.due_ms
    if ready is not None and doubted(history, judgement, leg, ready, min(history.end_ms, closes_ms(history, leg))):
        return
    if doubted(history, judgement, leg, executed, history.end_ms):
        return
    if replay(history, leg.chain).blind:
        doubt = f"{leg.name} may have been executed by an untraced transaction on {leg.chain}"
        judgement.doubt(doubt, leg.chain, leg.tx_id)
    elif by_ms > history.end_ms:
        doubt = f"expected {leg.name} to be EXECUTED by {clock(by_ms)}; the run ended at {clock(history.end_ms)}"
        judgement.doubt(doubt, leg.chain, leg.tx_id)
    else:
        judgement.judged += 1
        last = last_step(history, leg)
        happened = f"it is {entry.state} at the end, and had until {clock(by_ms)}{f'; {last}' if last else ''}"
        _fail(judgement, leg, death, back, happened, *(move.step.block.seq for move in entry.moves))


def _due(history: History, leg: Leg, entry: Entry, back: RelayerMark) -> tuple[Bound | None, Bound | str]:
    """By when the leg must have been READY, if it never was, and executed; or why nobody can be held to that."""
    ready, bound = entry.first("READY"), None
    if ready is None:
        resolvable = resolvable_ms(history, leg)
        if resolvable is None:
            return None, "never became resolvable"
        bound = calm_bound(history, leg, max(resolvable, back.t_ms))
        if bound is None:
            return None, "was disturbed to the end"
        if bound.due_ms > closes_ms(history, leg):
            return None, f"was too late for its window, which closed at {clock(closes_ms(history, leg))}"
        ready_ms = bound.due_ms
    else:
        if entry.first("EXPIRED") is not None:
            return None, "failed at its execution"
        ready_ms = ready.step.block.t_ms
    rests_on_ms = parent_allows_ms(history, leg)
    if rests_on_ms is None:
        return None, f"waited for its parent, which was never {history.header.execution_order.upper()} and final"
    executed = calm_bound(history, leg, max(ready_ms, rests_on_ms, back.t_ms))
    return bound, "was disturbed to the end" if executed is None else executed


def _fail(judgement: Judgement, leg: Leg, death: RelayerMark, back: RelayerMark, happened: str, *lines: int) -> None:
    message = (
        f"expected {leg.name} on {leg.chain} to end EXECUTED once, as without the crash ({death.text} at "
        f"{clock(death.t_ms)}, back at {clock(back.t_ms)}); {happened}"
    )
    judgement.fail(message, back, leg.tx_id, death.seq, *lines, chain=leg.chain)
