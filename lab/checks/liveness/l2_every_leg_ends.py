"""L2: every buffered leg ends READY or EXECUTED, or is known as expired by the end of its window + the bound of L1.

Where the contract has a state EXPIRED the leg must be in it by then; where it has none, a leg BUFFERED past its window
is known as expired by everybody who reads it.
"""

from __future__ import annotations

from lab.checks.bounds import due_ms, flow_chains
from lab.checks.disturbances import calm_from
from lab.checks.facts import clock, unix_ms
from lab.checks.judgement import Judgement
from lab.checks.replay import ChainReplay, Entry, replay
from lab.model.history import History
from lab.model.records import EmptyBlocks, Leg
from lab.model.verdict import CheckResult


def judge(history: History) -> CheckResult:
    """Judges every leg whose buffering is canonical."""
    judgement = Judgement("L2", "buffered leg")
    if history.header.poll_ms == 0:
        return judgement.result("no relayer took part")
    for leg in history.header.legs:
        replayed = replay(history, leg.chain)
        entry = replayed.entry(leg.tx_id)
        if entry.first("BUFFERED") is None:
            continue
        if entry.state in ("READY", "EXECUTED"):
            judgement.judged += 1
        elif "expiry" not in history.header.capabilities:
            _judge_lapsed(history, judgement, leg, replayed)
        else:
            _judge_expired(history, judgement, leg, replayed, entry)
    return judgement.result("no leg was buffered")


def _last_timestamp(history: History, chain: str) -> int:
    """The chain's time at the end: its head's, or now where a head stays until somebody needs another block."""
    if not history.header.chains[chain].mines_empty_blocks:
        return history.header.genesis_time + history.end_ms // 1000
    spans = history.spans(chain)
    times = [spans[-1].last_timestamp if isinstance(spans[-1], EmptyBlocks) else spans[-1].timestamp] if spans else []
    final = history.final(chain)
    return max([*times, *([final.timestamp] if final is not None else [])], default=0)


def _judge_lapsed(history: History, judgement: Judgement, leg: Leg, replayed: ChainReplay) -> None:
    closes = leg.timestamp + replayed.end.window_s
    if _last_timestamp(history, leg.chain) > closes:
        judgement.judged += 1
        return
    judgement.doubt(
        f"{leg.name} on {leg.chain} was still BUFFERED inside its window when the run ended",
        chain=leg.chain,
        tx_id=leg.tx_id,
    )


def _judge_expired(history: History, judgement: Judgement, leg: Leg, replayed: ChainReplay, entry: Entry) -> None:
    # The window's last second still belongs to it.
    closed_ms = unix_ms(history, leg.timestamp + replayed.end.window_s + 1)

    def due(start_ms: int) -> int:
        return due_ms(history, leg.chain, start_ms)

    expired = entry.first("EXPIRED")
    start = calm_from(history, flow_chains(history, leg), closed_ms, due)
    if expired is not None and (start is None or expired.step.block.t_ms <= due(start)):
        judgement.judged += 1
        return
    if start is None:
        judgement.note(f"{leg.name} was disturbed to the end")
        return
    expected = f"expected {leg.name} on {leg.chain} to be READY, EXECUTED, or EXPIRED by {clock(due(start))}"
    evidence = tuple(move.step.block.seq for move in entry.moves)
    if expired is not None:
        judgement.judged += 1
        block = expired.step.block
        judgement.fail(
            f"{expected}; it became EXPIRED in block {block.number} at {clock(block.t_ms)}",
            t_ms=block.t_ms,
            chain=leg.chain,
            tx_id=leg.tx_id,
            evidence=evidence,
        )
    elif due(start) > history.end_ms:
        judgement.doubt(
            f"{expected}; the run ended at {clock(history.end_ms)} with the leg {entry.state}",
            chain=leg.chain,
            tx_id=leg.tx_id,
            evidence=evidence,
        )
    else:
        judgement.judged += 1
        judgement.fail(
            f"{expected}; it is {entry.state} at the end, {clock(history.end_ms)}",
            t_ms=due(start),
            chain=leg.chain,
            tx_id=leg.tx_id,
            evidence=evidence,
        )
