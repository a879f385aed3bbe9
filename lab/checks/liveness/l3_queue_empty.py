"""L3: at the end the relayer's queue is empty and has no nonce gap.

A nonce counts as mined when any canonical transaction of its sender carries it, so a replacement settles what it
replaced. What was submitted within one bound of the end may still be under way and is not judged. Nor is what a reorg
dropped for good together with the coordinator's transaction that it was for, if nothing waits behind it.

A nonce carries one call: what may have arrived is replaced by the same call with a better offer, or a later timestamp
where the earlier one is over, or by nothing at all. Another call in its place means that one of the two is lost. Only
a reorg of the chain, or a relayer that was not alone or not itself in between (down, doubled, on an older store), gives
a nonce to something else.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from lab.checks.attempts import single, subjects
from lab.checks.bounds import due_ms
from lab.checks.disturbances import calm_from, disturbances
from lab.checks.facts import clock
from lab.checks.judgement import Judgement
from lab.checks.lateness import excuse
from lab.checks.replay import replay
from lab.model.history import History
from lab.model.records import Block, Submit
from lab.model.verdict import CheckResult

Queue = dict[int, list[Submit]]


def judge(history: History) -> CheckResult:
    """Judges every nonce that was submitted and not refused, per chain and sender."""
    judgement = Judgement("L3", "submitted nonce", "relayer")
    queues: dict[tuple[str, str], Queue] = {}
    for submit in history.of(Submit):
        if submit.outcome != "fail":
            queues.setdefault((submit.chain, submit.sender), {}).setdefault(submit.nonce, []).append(submit)
    for (chain, sender), queue in queues.items():
        _judge_queue(history, judgement, chain, sender, queue)
    return judgement.result("no transaction was submitted that could be judged")


def _judge_queue(history: History, judgement: Judgement, chain: str, sender: str, queue: Queue) -> None:
    mined = {tx.nonce: block for block, tx in history.transactions(chain) if tx.sender == sender}
    for nonce in sorted(queue):
        _judge_calls(history, judgement, chain, queue[nonce])
        why = None if nonce in mined else _unproven(history, chain, nonce, queue, mined)
        if why is not None:
            judgement.note(f"nonce {nonce} on {chain} {why}")
            continue
        if nonce not in mined and (late := _late(history, chain, nonce, queue, mined)) is not None:
            judgement.doubt(f"nonce {nonce} on {chain} was to be mined by the end: {late}", chain)
            continue
        judgement.judged += 1
        if nonce not in mined:
            _fail(judgement, chain, queue, nonce, _happened(nonce, queue, mined))


def _judge_calls(history: History, judgement: Judgement, chain: str, submits: list[Submit]) -> None:
    calls = [submit for submit in submits if submit.function is not None]
    for before, after in pairwise(calls):
        if _job(before) == _job(after):
            continue
        if any(
            (cause.chain is None or (cause.chain == chain and cause.what == "reorg"))
            and cause.start_ms <= after.t_ms
            and (cause.end_ms is None or cause.end_ms >= before.t_ms)
            for cause in disturbances(history)
        ):
            continue
        message = (
            f"expected nonce {before.nonce} on {chain} to carry one call; it carried {before.function} at "
            f"{clock(before.t_ms)} (its outcome: {before.outcome}) and then {after.function}, for something "
            f"else, at {clock(after.t_ms)}"
        )
        judgement.fail(message, after, before.args.get("tx_id"), before.seq)
        return


def _job(submit: Submit) -> tuple[str | None, dict[str, Any]]:
    return submit.function, {name: value for name, value in submit.args.items() if name != "timestamp"}


def _unproven(history: History, chain: str, nonce: int, queue: Queue, mined: dict[int, Block]) -> str | None:
    """Why an unmined nonce proves nothing, if it does not."""
    if any(later > nonce for later in mined):
        return None
    if _gone(history, chain, queue[nonce]) and all(_dropped(history, queue[later]) for later in queue if later > nonce):
        return "was dropped by a reorg together with what it was for, and nothing waits behind it"
    start = _calm_ms(history, chain, queue[nonce])
    if start is None:
        return "was disturbed to the end"
    if due_ms(history, chain, start) > history.end_ms:
        return "was still under way at the end"
    if all(submit.outcome == "info" for submit in queue[nonce]) and not any(later > nonce for later in queue):
        return "may never have arrived: every reply was lost"
    return None


def _late(history: History, chain: str, nonce: int, queue: Queue, mined: dict[int, Block]) -> str | None:
    """The machine's own lateness, if that may be why a nonce was not mined in time: those behind it were not either."""
    start = _calm_ms(history, chain, queue[nonce])
    if start is None or any(later > nonce for later in mined):
        return None
    return excuse(history, start, due_ms(history, chain, start), history.end_ms)


def _calm_ms(history: History, chain: str, submits: list[Submit]) -> int | None:
    return calm_from(history, [chain], submits[-1].t_ms, lambda start_ms: due_ms(history, chain, start_ms))


def _gone(history: History, chain: str, submits: list[Submit]) -> bool:
    """Whether a reorg dropped these, and the buffering of what they were for."""
    ids = {tx_id for submit in submits for tx_id in subjects(submit)}
    if not _dropped(history, submits) or any(single(submit) == "buffer_transaction" for submit in submits):
        return False
    buffered = {
        log.args.get("tx_id")
        for block in history.of(Block)
        if block.chain == chain
        for tx in block.txs
        for log in tx.logs
        if log.event == "TransactionBuffered"
    }
    replayed = replay(history, chain)
    return bool(ids) and all(tx_id in buffered and not replayed.entry(tx_id).first("BUFFERED") for tx_id in ids)


def _dropped(history: History, submits: list[Submit]) -> bool:
    """Whether all of them were in a block once, and no pool has them any more."""
    lost = {tx for reorg in history.reorgs for tx in reorg.orphaned_txs if tx not in reorg.requeued_txs}
    return all(submit.tx in lost for submit in submits)


def _happened(nonce: int, queue: Queue, mined: dict[int, Block]) -> str:
    later = sorted(other for other in mined if other > nonce)
    if later:
        return f"it is not mined although nonce {later[0]} is, in block {mined[later[0]].number}"
    if mined and nonce - 1 not in queue and nonce - 1 not in mined:
        return f"nonce {nonce - 1} before it was never accepted"
    waiting = sorted(other for other in queue if other > nonce)
    return f"it is not mined and nonce {waiting[0]} waits behind it" if waiting else "it is still pending"


def _fail(judgement: Judgement, chain: str, queue: Queue, nonce: int, happened: str) -> None:
    first, last = queue[nonce][0], queue[nonce][-1]
    expected = f"expected nonce {nonce} ({first.function or 'a transaction'}, submitted at {clock(last.t_ms)})"
    judgement.fail(
        f"{expected} to be mined on {chain} by the end; {happened}",
        last,
        first.args.get("tx_id"),
        *(submit.seq for submit in queue[nonce]),
    )
