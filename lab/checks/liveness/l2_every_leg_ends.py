"""L2: every buffered leg ends READY or EXECUTED, or is known as expired by the end of its window + the bound of L1.

A READY leg is an end for the contract. The relayer is to execute it, too: who left one READY to the end of the run,
although it could have been executed for a bound's length, did not carry it through. It counts from when the READY is
final, and the parent allows it; how late an execution comes is held against nobody.

Where the contract has a function that ends what expired the leg must be EXPIRED by then. Where it has none, a leg
BUFFERED past its window is known as expired by everybody who reads it, even if a late resolve would end it.

On a chain that mines no empty blocks the bound counts from the first block past the window: whoever asks a node what a
call would do is answered at its head, at whose time the window may still be open.
"""

from __future__ import annotations

from lab.checks.attempts import execution_refused, last_expiry, last_step
from lab.checks.bounds import calm_bound, doubted, executable_ms, missed_bound, window_end_ms
from lab.checks.facts import block_at, clock, is_suspended, ready_is_kept
from lab.checks.judgement import Judgement
from lab.checks.replay import ChainReplay, Entry, replay
from lab.model.history import History
from lab.model.records import Block, EmptyBlocks, Leg
from lab.model.verdict import Actor, CheckResult


def judge(history: History) -> CheckResult:
    """Judges every leg whose buffering is canonical."""
    judgement = Judgement("L2", "buffered leg", "relayer")
    if history.header.poll_ms == 0:
        return judgement.result("no relayer took part")
    for leg in history.header.legs:
        replayed = replay(history, leg.chain)
        entry = replayed.entry(leg.tx_id)
        if entry.first("BUFFERED") is None:
            continue
        can_expire = "expiry" in history.header.capabilities
        if entry.state == "READY":
            judgement.judged += 1
            _judge_executed(history, judgement, leg, entry)
        elif entry.state == "EXECUTED" or (entry.state == "EXPIRED" and not can_expire):
            judgement.judged += 1
        elif not can_expire:
            _judge_lapsed(history, judgement, leg, replayed)
        else:
            _judge_expired(history, judgement, leg, entry)
    return judgement.result("no leg was buffered")


def _judge_executed(history: History, judgement: Judgement, leg: Leg, entry: Entry) -> None:
    """A leg that is READY at the end, although nothing stood in the way of its execution."""
    final = history.final(leg.chain)
    stored = final.transaction(leg.tx_id) if final is not None else None
    parent = history.leg(leg.after) if leg.after else None
    start_ms = executable_ms(history, leg)
    if (
        (stored is not None and stored.state != "READY")
        or replay(history, leg.chain).blind
        or not ready_is_kept(history, leg.chain)
        or is_suspended(history, leg, parent)
        or start_ms is None
    ):
        return
    bound = calm_bound(history, leg, start_ms)
    if bound is None or bound.due_ms > history.end_ms or doubted(history, judgement, leg, bound, history.end_ms):
        return
    evidence = [move.step.block.seq for move in entry.moves]
    message = (
        f"expected {leg.name} on {leg.chain}, READY and executable from {clock(start_ms)} on, to be EXECUTED by the "
        f"end ({clock(bound.due_ms)} would have done); it is READY; {last_step(history, leg)}"
    )
    actor: Actor = "contract" if execution_refused(history, leg) else "relayer"
    block = entry.moves[-1].step.block
    judgement.fail(message, block, leg.tx_id, *evidence, t_ms=bound.due_ms, actor=actor)


def _last_timestamp(history: History, chain: str) -> int:
    """The chain's time at the end: its head's, or now where a head stays until somebody needs another block."""
    if not history.header.chains[chain].mines_empty_blocks:
        return history.header.genesis_time + history.end_ms // 1000
    spans = history.spans(chain)
    times = [_newest(spans[-1])] if spans else []
    final = history.final(chain)
    return max([*times, *([final.timestamp] if final is not None else [])], default=0)


def _judge_lapsed(history: History, judgement: Judgement, leg: Leg, replayed: ChainReplay) -> None:
    closes = leg.timestamp + replayed.end.window_s
    if _last_timestamp(history, leg.chain) > closes:
        judgement.judged += 1
        return
    judgement.doubt(
        f"{leg.name} on {leg.chain} was still BUFFERED inside its window when the run ended", leg.chain, leg.tx_id
    )


def _over_ms(history: History, leg: Leg) -> int | None:
    """From when the chain shows that a leg's window is over; None if it never does, for want of a block."""
    end_ms = window_end_ms(history, leg)
    if history.header.chains[leg.chain].mines_empty_blocks:
        return end_ms
    closes = leg.timestamp + replay(history, leg.chain).window_of(leg.tx_id)
    past = (span for span in history.spans(leg.chain) if _newest(span) > closes)
    return next((max(end_ms, span.t_ms) for span in past), None)


def _newest(span: Block | EmptyBlocks) -> int:
    return span.last_timestamp if isinstance(span, EmptyBlocks) else span.timestamp


def _judge_expired(history: History, judgement: Judgement, leg: Leg, entry: Entry) -> None:
    expired = entry.first("EXPIRED")
    over_ms = _over_ms(history, leg)
    if over_ms is None:
        judgement.doubt(
            f"{leg.name} on {leg.chain} is {entry.state}, and no block there came after its window: the node's head "
            "still lies inside of it",
            leg.chain,
            leg.tx_id,
        )
        return
    bound = missed_bound(history, judgement, leg, expired, over_ms)
    if bound is None:
        return
    expected = f"expected {leg.name} on {leg.chain} to be READY, EXECUTED, or EXPIRED by {clock(bound.due_ms)}"
    evidence = [move.step.block.seq for move in entry.moves]
    ended = clock(history.end_ms)
    if expired is not None:
        judgement.judged += 1
        block = expired.step.block
        judgement.fail(
            f"{expected}; it became EXPIRED in {block_at(block)}", block, leg.tx_id, *evidence, t_ms=bound.due_ms
        )
    elif bound.due_ms > history.end_ms:
        message = f"{expected}; the run ended at {ended} with the leg {entry.state}"
        judgement.doubt(message, leg.chain, leg.tx_id, *evidence)
    else:
        judgement.judged += 1
        message = f"{expected}; it is {entry.state} at the end, {ended}; {last_expiry(history, leg)}"
        judgement.fail(message, entry.moves[-1].step.block, leg.tx_id, *evidence, t_ms=bound.due_ms)
