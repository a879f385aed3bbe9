"""What the relayer tried for a transaction, and what became of it: so that a finding names the mistake."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from lab.checks.facts import block_at, clock
from lab.checks.replay import replay
from lab.model.contract.batches import BATCHES
from lab.model.history import History
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


@lru_cache(maxsize=32)
def mined(history: History, chain: str) -> dict[str, tuple[Block, Tx]]:
    """The chain's canonical transactions by their hash. Cached as `replay` is."""
    return {tx.hash: (block, tx) for block, tx in history.transactions(chain)}


def last_attempt(history: History, leg: Leg) -> str:
    """What the relayer did last to make a leg READY, and how that ended."""
    sent: list[Submit] = [submit for submit in history.of(Submit) if submit.chain == leg.chain]
    if not sent:
        return f"the relayer sent nothing at all on {leg.chain}"
    resolves = _of(sent, "resolve_dependency", leg.tx_id)
    if resolves:
        return _outcome(history, resolves[-1], "for it")
    return f"the relayer sent no resolve_dependency for it{_old_state(history, leg)}{_mirror(history, leg, sent)}"


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
        spent = f" and {tx.gas_used} gas spent" if tx.status == 0 else ""
        return f"{attempt} was mined in block {block.number} with status {tx.status}{spent}{reason}, and none followed"
    if last.outcome == "fail":
        return f"{attempt} was refused ({last.error}), and none followed"
    return f"{attempt} is in no block" + (f" and had no answer ({last.error})" if last.outcome == "info" else "")


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
