"""What the relayer tried for a transaction, and what became of it: so that a finding names the mistake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from lab.checks.bounds import bound_ms, resolvable_ms
from lab.checks.facts import block_at, clock, timestamp_of, unix_ms
from lab.checks.replay import replay
from lab.model.contract.batches import BATCHES
from lab.model.history import History, kept_with_history
from lab.model.records import Block, Leg, Submit, Tx


def single(submit: Submit) -> str | None:
    """The function that a call carries out for each of its subjects: of a batch the single one."""
    return BATCHES.get(submit.function or "", submit.function)


def subjects(submit: Submit) -> Iterator[str]:
    """The ids of the transactions that a call is about; a batch is about several."""
    if submit.function is None:
        return
    for value in submit.args.values():
        parts = value if isinstance(value, (list, tuple)) else [value]
        for part in parts:
            # A request of a batch is the list of its fields, the id first.
            first = part[:1] if isinstance(part, (list, tuple)) else [part]
            tx_id = part.get("tx_id") if isinstance(part, dict) else next(iter(first), None)
            if isinstance(tx_id, str) and len(tx_id) == 66:
                yield tx_id
        if "tx_id" in submit.args:
            return  # the first argument names it, what follows is its dependency and payload


@kept_with_history
def mined(history: History, chain: str) -> dict[str, tuple[Block, Tx]]:
    """The chain's canonical transactions by their hash."""
    return {tx.hash: (block, tx) for block, tx in history.transactions(chain)}


def last_attempt(history: History, leg: Leg) -> str:
    """What the relayer did last to make a leg READY, and how that ended."""
    sent: list[Submit] = [submit for submit in history.of(Submit) if submit.chain == leg.chain]
    if not sent:
        return f"the relayer sent nothing at all on {leg.chain}"
    resolves = _of(sent, "resolve_dependency", leg.tx_id)
    if resolves:
        return f"{mirrored(history, leg)}{_outcome(history, resolves[-1], 'for it')}"
    why = f"{_old_state(history, leg)}{_mirror(history, leg, sent)}"
    return f"{mirrored(history, leg)}the relayer sent no resolve_dependency for it{why}"


def last_step(history: History, leg: Leg) -> str:
    """What the relayer did last to bring a leg further that ended short of EXECUTED; empty for another."""
    entry = replay(history, leg.chain).entry(leg.tx_id)
    if entry.state == "READY":
        return _last_call(history, leg, "mark_executed")
    never_ready = entry.first("BUFFERED") is not None and entry.first("READY", "EXECUTED") is None
    return last_attempt(history, leg) if never_ready else ""


def left_undone(history: History, leg: Leg) -> str:
    """The same; of the first of its ancestors that never became READY, where one did not."""
    return last_step(history, _waited_for(history, leg))


def silent_on(history: History, leg: Leg) -> str | None:
    """The chain on which a leg is left, or the ancestor that it waits for, if the relayer sent nothing at all there."""
    chain = _waited_for(history, leg).chain
    return chain if all(submit.chain != chain for submit in history.of(Submit)) else None


def _waited_for(history: History, leg: Leg) -> Leg:
    """The first of a leg's ancestors that never became READY; else the leg."""
    while (parent := history.leg(leg.after) if leg.after else None) is not None:
        if replay(history, parent.chain).entry(parent.tx_id).first("READY", "EXECUTED") is not None:
            break
        leg = parent
    return leg


def last_expiry(history: History, leg: Leg) -> str:
    """What the relayer did last to end a leg whose window is over."""
    return _last_call(history, leg, "expire_transaction")


def execution_refused(history: History, leg: Leg) -> bool:
    """Whether the relayer's last call to execute a leg was mined, and reverted."""
    sent: list[Submit] = [submit for submit in history.of(Submit) if submit.chain == leg.chain]
    calls = _of(sent, "mark_executed", leg.tx_id)
    there = mined(history, leg.chain).get(calls[-1].tx) if calls else None
    return there is not None and there[1].status == 0


def _last_call(history: History, leg: Leg, function: str) -> str:
    sent: list[Submit] = [submit for submit in history.of(Submit) if submit.chain == leg.chain]
    if not sent:
        return f"the relayer sent nothing at all on {leg.chain}"
    calls = _of(sent, function, leg.tx_id)
    return _outcome(history, calls[-1], "for it") if calls else f"the relayer sent no {function} for it"


def mirrored(history: History, leg: Leg) -> str:
    """When the mirror that a leg waited for was buffered, and for when, if it came or is due too late for the leg."""
    parent = history.leg(leg.after) if leg.after else None
    if parent is None or parent.chain == leg.chain:
        return ""
    entry = replay(history, leg.chain).entry(parent.tx_id)
    buffered, due = entry.first("BUFFERED"), timestamp_of(entry)
    if buffered is None or due is None:
        return ""
    begun_ms, wanted_ms = buffered.step.block.t_ms, resolvable_ms(history, leg) or 0
    in_time_ms = wanted_ms + bound_ms(history, leg.chain)
    # A mirror is due with its child, or two blocks from now.
    soon_ms = max(unix_ms(history, leg.timestamp), begun_ms + 2 * history.header.chains[leg.chain].block_time_ms)
    if begun_ms <= in_time_ms and unix_ms(history, due) <= soon_ms:
        return ""
    return (
        f"the mirror of {parent.name}, buffered at {clock(begun_ms)}, is due only at {clock(unix_ms(history, due))}; "
    )


def _of(sent: list[Submit], function: str, tx_id: str) -> list[Submit]:
    return [submit for submit in sent if single(submit) == function and tx_id in subjects(submit)]


def _outcome(history: History, last: Submit, what: str) -> str:
    """How the last call of its kind ended."""
    attempt = f"the relayer's last {single(last)} {what}, at {clock(last.t_ms)},"
    there = mined(history, last.chain).get(last.tx)
    if there is not None:
        block, tx = there
        failed = next((log for log in tx.logs if log.event == "TransactionFailed"), None)
        reason = f" and TransactionFailed ({failed.args.get('reason', 'no reason')})" if failed is not None else ""
        revert = next((call.revert for call in tx.calls if call.revert), None)
        spent = f" and {tx.gas_used} gas spent{f' ({revert})' if revert else ''}" if tx.status == 0 else ""
        return f"{attempt} was mined in block {block.number} with status {tx.status}{spent}{reason}, and none followed"
    if last.outcome == "fail":
        price = f", at {last.max_fee_per_gas} wei per gas" if "fee" in (last.error or "") else ""
        return f"{attempt} was refused ({last.error}{price}), and none followed"
    unanswered = f" and had no answer ({last.error})" if last.outcome == "info" else ""
    return f"{attempt} is in no block, at {last.max_fee_per_gas} wei per gas{unanswered}"


def endings(history: History, submits: Sequence[Submit]) -> str:
    """How most of these calls ended, so that a count of them says what they were in vain for."""
    ends = Counter(_ending(history, submit) for submit in submits)
    words, count = ends.most_common(1)[0]
    return f"{'all' if count == len(submits) else count} of them {words}" if words else ""


def _ending(history: History, submit: Submit) -> str:
    there = mined(history, submit.chain).get(submit.tx)
    if there is None:
        return f"were refused ({submit.error})" if submit.outcome == "fail" else ""
    _, tx = there
    if tx.status == 0:
        revert = next((call.revert for call in tx.calls if call.revert), None)
        return f"reverted ({revert or 'without a reason'})"
    failed = next((log for log in tx.logs if log.event == "TransactionFailed"), None)
    return f"ended with TransactionFailed ({failed.args.get('reason', 'no reason')})" if failed is not None else ""


def _mirror(history: History, leg: Leg, sent: list[Submit]) -> str:
    """How the last call for the parent's mirror ended, where the leg needs one that is not READY."""
    parent = history.leg(leg.after) if leg.after else None
    if parent is None or parent.chain == leg.chain:
        return ""
    entry = replay(history, leg.chain).entry(parent.tx_id)
    if entry.first("READY") is not None:
        return ""
    function = "resolve_dependency" if entry.first("BUFFERED") is not None else "buffer_transaction"
    calls = _of(sent, function, parent.tx_id)
    return f"; {_outcome(history, calls[-1], f'for the mirror of {parent.name}')}" if calls else ""


def _old_state(history: History, leg: Leg) -> str:
    """Why a parent does not count for the relayer: it goes on resolving what is READY, two blocks and a poll later."""
    parent = history.leg(leg.after) if leg.after else None
    ready = replay(history, parent.chain).entry(parent.tx_id).first("READY") if parent else None
    if parent is None or ready is None:
        return ""
    seen_ms = ready.step.block.t_ms + 2 * history.header.chains[parent.chain].block_time_ms + history.header.poll_ms
    for submit in history.of(Submit):
        again = (submit.chain, single(submit)) == (parent.chain, "resolve_dependency") and submit.t_ms > seen_ms
        if again and parent.tx_id in subjects(submit):
            return (
                f"; its parent {parent.name} became READY in {block_at(ready.step.block)}, and at {clock(submit.t_ms)} "
                "the relayer sent resolve_dependency for that again: it takes an old state for the newest"
            )
    return ""
