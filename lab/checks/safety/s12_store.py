"""S12: at rest the relayer's store equals the chains' effects, and its checkpoint is at most the final head.

Every log at or below the checkpoint must have left its effect in the store exactly once: each buffered transaction is
there once, with the canonical blocks that buffered it and made it READY, and nothing else is there. Where the relayer
was at work and undisturbed for one bound of L1 up to the end, the same holds up to the last block that it scanned, the
states must agree, and nothing older than that bound may be missing. What was executed by others emits nothing, and the
relayer need not know it.
"""

from __future__ import annotations

from collections import Counter

from lab.checks.blocktimes import appeared
from lab.checks.bounds import bound_ms
from lab.checks.disturbances import calm_from
from lab.checks.facts import clock, name_at, name_of
from lab.checks.judgement import Judgement
from lab.checks.lateness import excuse
from lab.checks.replay import ChainReplay, Entry, Transition, replay
from lab.model.history import History
from lab.model.record_parts.store import Place, StoredBelief
from lab.model.records import Block, StoreRead
from lab.model.verdict import CheckResult

TIMESTAMP_MS = 1_000


def concerns(history: History) -> bool:
    """Whether a store was looked at: what a relayer of the user's own keeps, and how, is its own affair."""
    return bool(history.of(StoreRead))


def judge(history: History) -> CheckResult:
    """Judges every chain's checkpoint, and every transaction that the store holds or should hold."""
    judgement = Judgement("S12", "stored belief", "relayer")
    for chain in history.header.chains:
        read = history.store(chain)
        if read is None:
            continue
        if read.error is not None:
            judgement.doubt(f"the relayer's store could not be read: {read.error}", chain, None, read.seq)
            continue
        _judge_checkpoint(history, judgement, read)
        rested = _rested(history)
        until = read.position if rested else read.checkpoint
        if not rested:
            judgement.note("judged up to the checkpoints only: something disturbed the relayer shortly before the end")
            if any(reorg.chain == chain and reorg.beyond_finality for reorg in history.reorgs):
                judgement.note(f"{chain} was not judged: a reorg deeper than the declared finality took its checkpoint")
                continue
        _judge_beliefs(history, judgement, read, until[0] if until is not None else -1, rested=rested)
    return judgement.result("no store of the relayer could be read, or nothing is in it")


def _rested(history: History) -> bool:
    """Whether nothing kept the relayer from knowing all: it was up, and every chain in order, for a bound's length."""
    start_ms = history.end_ms - max(bound_ms(history, chain) for chain in history.header.chains)
    return calm_from(history, history.header.chains, start_ms, lambda _: history.end_ms) == start_ms


# --- the checkpoint ---------------------------------------------------------------------------------------------------


def _judge_checkpoint(history: History, judgement: Judgement, read: StoreRead) -> None:
    if read.checkpoint is None:
        return
    number, final = read.checkpoint[0], _final_head(history, read)
    if final is None:
        judgement.doubt(f"nobody knows which block of {read.chain} was final at the end", read.chain)
        return
    judgement.judged += 1
    if number > final:
        judgement.fail(
            f"expected the relayer's checkpoint on {read.chain} to be at most the final head, block {final} by "
            f"{history.header.chains[read.chain].finality}; it is block {number}",
            read,
        )


def _final_head(history: History, read: StoreRead) -> int | None:
    """The highest number that was ever final by the end, generously: a reorg after that takes no finality back."""
    facts = history.header.chains[read.chain]
    if facts.finality.seconds is None:
        depth = facts.finality.blocks if facts.finality.blocks is not None else facts.tag_depth_blocks
        return None if depth is None else history.head_at(read.chain, read.t_ms) - depth
    latest_ms = read.t_ms - int(facts.finality.seconds * 1000)
    # Timestamps count whole seconds: a block is up to one younger than its timestamp says.
    slack_ms = max(facts.block_time_ms, TIMESTAMP_MS)
    best = -1
    for span in history.spans(read.chain):
        first, last = (span.number, span.number) if isinstance(span, Block) else (span.first, span.last)
        while last >= first and appeared(history, span, last)[0] > latest_ms + slack_ms:
            last -= 1
        best = max(best, last if last >= first else -1)
    return best


# --- what is believed -------------------------------------------------------------------------------------------------


def _judge_beliefs(history: History, judgement: Judgement, read: StoreRead, until: int, *, rested: bool) -> None:
    chain = read.chain
    replayed = replay(history, chain, until)
    beliefs = {belief.tx_id: belief for belief in read.beliefs}
    for tx_id, count in Counter(belief.tx_id for belief in read.beliefs).items():
        if count > 1:
            _fail(history, judgement, read, tx_id, f"is in it {count} times")
    for tx_id in dict.fromkeys([*replayed.entries, *beliefs]):
        entry, belief = replayed.entry(tx_id), beliefs.get(tx_id)
        if belief is not None and belief.buffered[0] > until and not entry.moves:
            continue  # seen above the judged height
        if belief is None and entry.first("BUFFERED") is None:
            continue
        judgement.judged += 1
        wrong = _wrong_places(entry, belief, until)
        if wrong is None and rested and belief is not None:
            wrong = _wrong_state(history, judgement, replayed, entry, belief)
        if wrong is not None:
            _fail(history, judgement, read, tx_id, wrong, *(move.step.block.seq for move in entry.moves))
    if rested:
        _judge_missed(history, judgement, read, until)


def _wrong_places(entry: Entry, belief: StoredBelief | None, until: int) -> str | None:
    buffered, ready = entry.first("BUFFERED"), entry.first("READY")
    if belief is None:
        return f"is missing in it, although block {_place(buffered)} buffered it"
    if belief.buffered != _place_of(buffered):
        return f"was buffered in block {_place(buffered)}, in it by block {_text(belief.buffered)}"
    believed = belief.ready if belief.ready is not None and belief.ready[0] <= until else None
    if believed != _place_of(ready):
        return f"became READY in block {_place(ready)}, in it in block {_text(believed)}"
    return None


def _wrong_state(
    history: History, judgement: Judgement, replayed: ChainReplay, entry: Entry, belief: StoredBelief
) -> str | None:
    if belief.state == entry.state:
        return None
    if belief.state == "EXPIRED" and entry.state == "BUFFERED" and not history.expires:
        return None  # the contract said so, and has no state for it
    if entry.state == "EXECUTED":
        step = entry.moves[-1].step
        if step.tx.sender != history.header.roles.get("relayer"):
            name = name_of(history, replayed.chain, entry.tx_id)
            judgement.note(f"{name} was executed by another, which emits nothing")
            return None
        if _young(history, judgement, replayed.chain, entry, step.block.t_ms, bound_ms(history, replayed.chain)):
            return None
    if belief.state == "EXECUTED" and replayed.blind:
        doubt = f"{name_of(history, replayed.chain, entry.tx_id)} may have been executed by an untraced transaction"
        judgement.doubt(doubt, replayed.chain, entry.tx_id)
        return None
    return f"is {entry.state} on the chain, in it {belief.state}"


def _judge_missed(history: History, judgement: Judgement, read: StoreRead, until: int) -> None:
    """Events above the scan position that the relayer had the time to see."""
    time_ms = max(bound_ms(history, chain) for chain in history.header.chains)
    for entry in replay(history, read.chain).entries.values():
        missed = [move for move in entry.moves if move.step.block.number > until]
        if missed and not _young(history, judgement, read.chain, entry, missed[0].step.block.t_ms, time_ms):
            judgement.judged += 1
            what = f"became {missed[0].after} in block {_place(missed[0])}, which it never scanned (up to {until})"
            _fail(history, judgement, read, entry.tx_id, what, missed[0].step.block.seq)


def _young(history: History, judgement: Judgement, chain: str, entry: Entry, since_ms: int, time_ms: int) -> bool:
    """Whether the relayer had no time to see what happened at `since_ms`; the machine's lateness makes it a doubt."""
    if since_ms + time_ms > history.end_ms:
        return True
    why = excuse(history, since_ms, since_ms + time_ms, history.end_ms)
    if why is not None:
        judgement.doubt(f"the time to see {name_at(history, chain, entry.tx_id)} was {why}", chain, entry.tx_id)
    return why is not None


def _place_of(move: Transition | None) -> Place | None:
    return (move.step.block.number, move.step.block.hash) if move is not None else None


def _place(move: Transition | None) -> str:
    return _text(_place_of(move)) + (f" at {clock(move.step.block.t_ms)}" if move is not None else "")


def _text(place: Place | None) -> str:
    return f"{place[0]} ({place[1][:10]})" if place is not None else "none"


def _fail(history: History, judgement: Judgement, read: StoreRead, tx_id: str, wrong: str, *lines: int) -> None:
    message = (
        f"expected the relayer's store to hold {name_at(history, read.chain, tx_id)} as the chain does; it {wrong}"
    )
    judgement.fail(message, read, tx_id, *lines)
