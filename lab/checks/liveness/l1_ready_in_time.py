"""L1: READY by max(timestamp, parent final) + 3 destination blocks + poll + RPC budget, counted from the last healing.

A leg that the bound cannot be held against is left out, and the reason says why: it never became resolvable, a
disturbance lasted, or its parent came too late for its window. A bound longer than the window itself proves nothing.
"""

from __future__ import annotations

from lab.checks.bounds import bound_ms, due_ms, flow_chains, resolvable_ms
from lab.checks.disturbances import calm_from
from lab.checks.facts import clock, unix_ms
from lab.checks.judgement import Judgement
from lab.checks.replay import replay
from lab.model.history import History
from lab.model.records import Leg
from lab.model.verdict import CheckResult


def judge(history: History) -> CheckResult:
    """Judges every buffered leg that the relayer could have made READY."""
    judgement = Judgement("L1", "leg")
    if history.header.poll_ms == 0:
        return judgement.result("no relayer took part")
    for leg in history.header.legs:
        if replay(history, leg.chain).entry(leg.tx_id).first("BUFFERED") is not None:
            judge_leg(history, judgement, leg)
    return judgement.result("no buffered leg became resolvable in a calm time")


def judge_leg(history: History, judgement: Judgement, leg: Leg) -> None:
    """Holds one buffered leg against the bound; L5 asks the same of fewer legs."""
    ready = replay(history, leg.chain).entry(leg.tx_id).first("READY")
    resolvable = resolvable_ms(history, leg)
    if resolvable is None:
        judgement.note(f"{leg.name} never became resolvable")
        return

    def due(start_ms: int) -> int:
        return due_ms(history, leg.chain, start_ms)

    start = calm_from(history, flow_chains(history, leg), resolvable, due)
    if ready is not None and (start is None or ready.step.block.t_ms <= due(start)):
        judgement.judged += 1
        return
    if start is None:
        judgement.note(f"{leg.name} was disturbed to the end")
        return
    deadline = due(start)
    expected = (
        f"expected {leg.name} to be READY on {leg.chain} by {clock(deadline)} (resolvable from {clock(resolvable)}"
        f"{f', calm from {clock(start)}' if start > resolvable else ''}, bound {clock(bound_ms(history, leg.chain))})"
    )
    window = replay(history, leg.chain).end.window_s
    closes_ms = unix_ms(history, leg.timestamp + window)
    if ready is not None:
        judgement.judged += 1
        block = ready.step.block
        judgement.fail(
            f"{expected}; it became READY in block {block.number} at {clock(block.t_ms)}",
            t_ms=block.t_ms,
            chain=leg.chain,
            tx_id=leg.tx_id,
            evidence=(block.seq,),
        )
    elif deadline > closes_ms and bound_ms(history, leg.chain) > window * 1000:
        judgement.doubt(
            f"the bound of {leg.chain}, {clock(bound_ms(history, leg.chain))}, is longer than the window of {window} s "
            f"that {leg.name} had to become READY in",
            chain=leg.chain,
            tx_id=leg.tx_id,
        )
    elif deadline > closes_ms:
        when = f"resolvable from {clock(resolvable)}, calm from {clock(start)}, window closed at {clock(closes_ms)}"
        judgement.note(f"{leg.name} was too late for its window ({when})")
    elif deadline > history.end_ms:
        judgement.doubt(f"{expected}; the run ended at {clock(history.end_ms)}", chain=leg.chain, tx_id=leg.tx_id)
    else:
        judgement.judged += 1
        buffered = replay(history, leg.chain).entry(leg.tx_id).moves[0].step.block
        judgement.fail(
            f"{expected}; it never became READY",
            t_ms=deadline,
            chain=leg.chain,
            tx_id=leg.tx_id,
            evidence=(buffered.seq,),
        )
