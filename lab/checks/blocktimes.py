"""When a block inside a run of empty ones appeared, at the earliest and at the latest.

The history states only the two ends of such a run, and slots may be missed between them or come late. A judgement
against somebody must use the end of the interval that favours him.
"""

from __future__ import annotations

from lab.model.history import History
from lab.model.records import Block, EmptyBlocks

Interval = tuple[int, int]


def appeared(history: History, span: Block | EmptyBlocks, number: int) -> Interval:
    """When a line's first block at `number` or above appeared.

    Blocks are at least one block time apart by their slots, and appear less than a block time after their slot starts.
    Timestamps show when slots start, unless the chain's clock is ahead: no block appears before its slot.
    """
    if isinstance(span, Block):
        return span.t_ms, span.t_ms
    if number <= span.first:
        return span.first_t_ms, span.first_t_ms
    if number >= span.last:
        return span.t_ms, span.t_ms
    block_time_ms = history.header.chains[span.chain].block_time_ms
    first_slot_ms = (span.first_timestamp - history.header.genesis_time) * 1000
    if first_slot_ms > span.first_t_ms:
        first_slot_ms = span.first_t_ms - block_time_ms
    slot_ms = first_slot_ms + (number - span.first) * block_time_ms
    earliest = min(max(slot_ms, span.first_t_ms), span.t_ms)
    latest = min(span.t_ms - (span.last - number - 1) * block_time_ms - 1, span.t_ms)
    return earliest, max(earliest, latest)


def final_between(history: History, chain: str, block: Block) -> Interval | None:
    """When a block became final, at the earliest and at the latest; None if it never was in this run."""
    since = history.final_since(chain, block)
    facts = history.header.chains[chain]
    depth = facts.finality.blocks if facts.finality.blocks is not None else facts.tag_depth_blocks
    if since is None or depth is None or depth == 0 or facts.finality.seconds is not None:
        return None if since is None else (since, since)
    height = block.number + depth
    moments = [appeared(history, span, height) for span in history.reaching(chain, block, height)]
    between = min(earliest for earliest, _ in moments), min(latest for _, latest in moments)
    return between if facts.finality.tag is None else _after_stalls(history, chain, between)


def _after_stalls(history: History, chain: str, between: Interval) -> Interval | None:
    """What would have become final while finality stood still did so at the end of that; None if it had none."""
    earliest, latest = between
    for begin, effects, end_ms in history.injected():
        if begin.chain != chain or not effects.holds_finality:
            continue
        if begin.t_ms < latest and (end_ms is None or latest < end_ms):
            if end_ms is None:
                return None
            latest = end_ms
        if begin.t_ms < earliest and (end_ms is None or earliest < end_ms):
            earliest = latest if end_ms is None else end_ms
    return earliest, max(earliest, latest)


def nth_block_after(history: History, chain: str, t_ms: int, count: int) -> int | None:
    """When the count-th canonical block after `t_ms` appeared, at the latest; None if there were fewer in this run."""
    for span in history.spans(chain):
        if span.t_ms <= t_ms:
            continue
        first, last = (span.number, span.number) if isinstance(span, Block) else (span.first, span.last)
        for number in range(first, last + 1):
            earliest, latest = appeared(history, span, number)
            count -= earliest > t_ms
            if count == 0:
                return latest
    return None
