"""L1: READY by max(timestamp, parent final) + 3 destination blocks + poll + RPC budget, counted from the last healing.

A leg that the bound cannot be held against is left out, and the reason says why: it never became resolvable, a
disturbance lasted, or its parent came too late for its window. A bound longer than the window itself proves nothing.
"""

from __future__ import annotations

from lab.checks.attempts import last_attempt, mirrored
from lab.checks.bounds import Bound, bound_ms, closes_ms, missed_bound, resolvable_ms
from lab.checks.facts import block_at, clock
from lab.checks.judgement import Judgement
from lab.checks.replay import replay
from lab.model.history import History
from lab.model.records import Leg
from lab.model.verdict import CheckResult


def judge(history: History) -> CheckResult:
    """Judges every buffered leg that the relayer could have made READY."""
    judgement = Judgement("L1", "leg", "relayer")
    if history.header.poll_ms == 0:
        return judgement.result("no relayer took part")
    for leg in history.header.legs:
        if replay(history, leg.chain).entry(leg.tx_id).first("BUFFERED") is not None:
            judge_leg(history, judgement, leg)
    return judgement.result("no buffered leg became resolvable in a calm time")


def judge_leg(history: History, judgement: Judgement, leg: Leg, although: str = "") -> None:
    """Holds one buffered leg against the bound; L5 asks the same of fewer legs, `although` something else was wrong."""
    entry = replay(history, leg.chain).entry(leg.tx_id)
    resolvable = resolvable_ms(history, leg)
    if resolvable is None:
        judgement.note(f"{leg.name} never became resolvable")
        return
    ready = entry.first("READY")
    bound = missed_bound(history, judgement, leg, ready, resolvable, closes_ms(history, leg))
    if bound is None:
        return
    calm = f", calm from {clock(bound.calm_ms)}" if bound.calm_ms > resolvable else ""
    length = clock(bound_ms(history, leg.chain))
    since = f"resolvable from {clock(resolvable)}{calm}, bound {length}"
    expected = f"expected {leg.name} to be READY on {leg.chain} by {clock(bound.due_ms)}{although} ({since})"
    if ready is not None:
        judgement.judged += 1
        block = ready.step.block
        happened = f"{mirrored(history, leg)}it became READY in {block_at(block)}"
        judgement.fail(f"{expected}; {happened}", block, leg.tx_id, t_ms=bound.due_ms)
    elif bound.due_ms > closes_ms(history, leg):
        _excuse(history, judgement, leg, resolvable, bound)
    elif bound.due_ms > history.end_ms:
        judgement.doubt(f"{expected}; the run ended at {clock(history.end_ms)}", leg.chain, leg.tx_id)
    else:
        judgement.judged += 1
        buffered = entry.moves[0].step.block
        happened = f"it never became READY; {last_attempt(history, leg)}"
        judgement.fail(f"{expected}; {happened}", buffered, leg.tx_id, t_ms=bound.due_ms)


def _excuse(history: History, judgement: Judgement, leg: Leg, resolvable: int, bound: Bound) -> None:
    """The window closed first: the leg came too late for it, or no leg could have come in time."""
    window_s, length_ms = replay(history, leg.chain).window_of(leg.tx_id), bound_ms(history, leg.chain)
    if length_ms > window_s * 1000:
        message = (
            f"the bound of {leg.chain}, {clock(length_ms)}, is longer than the window of {window_s} s "
            f"that {leg.name} had to become READY in"
        )
        judgement.doubt(message, leg.chain, leg.tx_id)
        return
    when = f"resolvable from {clock(resolvable)}, calm from {clock(bound.calm_ms)}"
    closed = f"window closed at {clock(closes_ms(history, leg))}"
    judgement.note(f"{leg.name} was too late for its window ({when}, {closed})")
