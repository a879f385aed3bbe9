"""L2: every buffered leg ends READY or EXECUTED, or is known as expired by the end of its window + the bound of L1.

Where the contract has a function that ends what expired the leg must be EXPIRED by then. Where it has none, a leg
BUFFERED past its window is known as expired by everybody who reads it, even if a late resolve would end it.

On a chain that mines no empty blocks the bound counts from the first block past the window: whoever asks a node what a
call would do is answered at its head, at whose time the window may still be open.
"""

from __future__ import annotations

from lab.checks.attempts import last_expiry
from lab.checks.bounds import missed_bound, window_end_ms
from lab.checks.facts import block_at, clock
from lab.checks.judgement import Judgement
from lab.checks.replay import ChainReplay, Entry, replay
from lab.model.history import History
from lab.model.records import Block, EmptyBlocks, Leg
from lab.model.verdict import CheckResult


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
        if entry.state in ("READY", "EXECUTED") or (entry.state == "EXPIRED" and not can_expire):
            judgement.judged += 1
        elif not can_expire:
            _judge_lapsed(history, judgement, leg, replayed)
        else:
            _judge_expired(history, judgement, leg, entry)
    return judgement.result("no leg was buffered")


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
