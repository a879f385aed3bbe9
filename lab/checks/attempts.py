"""What the relayer tried for a transaction, and what became of it: so that a finding names the mistake."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from lab.checks.facts import clock
from lab.model.history import History
from lab.model.records import Block, Leg, Submit, Tx


def subjects(submit: Submit) -> Iterator[str]:
    """The ids of the transactions that a call is about; a batch is about several."""
    if submit.function is None:
        return
    for value in submit.args.values():
        parts = value if isinstance(value, (list, tuple)) else [value]
        for part in parts:
            tx_id = part.get("tx_id") if isinstance(part, dict) else part
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
    resolves = [submit for submit in sent if submit.function == "resolve_dependency" and leg.tx_id in subjects(submit)]
    if not resolves:
        return "the relayer sent no resolve_dependency for it"
    last = resolves[-1]
    attempt = f"the relayer's last resolve_dependency for it, at {clock(last.t_ms)},"
    there = mined(history, leg.chain).get(last.tx)
    if there is not None:
        block, tx = there
        failed = next((log for log in tx.logs if log.event == "TransactionFailed"), None)
        reason = f" and TransactionFailed ({failed.args.get('reason', 'no reason')})" if failed is not None else ""
        return f"{attempt} was mined in block {block.number} with status {tx.status}{reason}, and none followed"
    if last.outcome == "fail":
        return f"{attempt} was refused ({last.error}), and none followed"
    return f"{attempt} is in no block" + (f" and had no answer ({last.error})" if last.outcome == "info" else "")
