"""S3: a child EXECUTED only after its parent EXECUTED, or READY where the run declares that READY suffices."""

from __future__ import annotations

from lab.checks.facts import actor_of, block_at, clock, is_suspended, suspension_note
from lab.checks.judgement import Judgement
from lab.checks.replay import Transition, replay
from lab.model.history import History
from lab.model.records import Leg
from lab.model.verdict import CheckResult


def judge(history: History) -> CheckResult:
    """Judges every declared child that is EXECUTED on its canonical chain."""
    judgement = Judgement("S3", "execution")
    order = history.header.execution_order
    for leg in history.header.legs:
        parent = history.leg(leg.after) if leg.after else None
        if parent is None:
            continue
        on_chain = replay(history, leg.chain)
        executed = on_chain.entry(leg.tx_id).first("EXECUTED")
        if executed is None:
            _doubt_if_hidden(history, judgement, leg)
            continue
        if is_suspended(history, leg, parent):
            judgement.note(suspension_note(history))
            continue
        judgement.judged += 1
        entry = replay(history, parent.chain).entry(parent.tx_id)
        expected = entry.first("EXECUTED") if order == "executed" else entry.first("READY", "EXECUTED")
        if expected is not None and _before(expected, executed):
            continue
        if expected is None and order == "executed" and replay(history, parent.chain).blind:
            judgement.doubt(
                f"{parent.name} may have been executed by an untraced transaction on {parent.chain}",
                parent.chain,
                parent.tx_id,
            )
            continue
        state = order.upper()
        happened = f"is not {state}"
        if expected is not None:
            happened = f"in {block_at(expected.step.block)}"
        lines = (expected.step.block.seq,) if expected else ()
        message = (
            f"expected {leg.name} on {leg.chain} to be EXECUTED only after its parent {parent.name} was "
            f"{state} on {parent.chain}; it was EXECUTED in block {executed.step.block.number} at "
            f"{clock(executed.step.block.t_ms)}, and its parent {happened}"
        )
        judgement.fail(message, executed.step.block, leg.tx_id, *lines, actor=actor_of(history, executed.step))
    return judgement.result("no transaction with a parent was executed")


def _before(parent: Transition, child: Transition) -> bool:
    if parent.step.chain == child.step.chain:
        return parent.step.order < child.step.order
    # Blocks of two chains at the same moment: whoever sent the child's cannot have seen the parent's.
    return parent.step.block.t_ms < child.step.block.t_ms


def _doubt_if_hidden(history: History, judgement: Judgement, leg: Leg) -> None:
    final = history.final(leg.chain)
    stored = final.transaction(leg.tx_id) if final is not None else None
    if final is not None and stored is not None and stored.state == "EXECUTED":
        judgement.doubt(
            f"{leg.name} reads as EXECUTED on {leg.chain} at the end, but no call in the history executed it",
            leg.chain,
            leg.tx_id,
            final.seq,
        )
