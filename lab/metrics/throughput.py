"""How many transactions a chain carried, and how many of them succeeded."""

from __future__ import annotations

from typing import TypedDict

from lab.model.history import History


class Throughput(TypedDict):
    """`successes` are transactions with status 1; a call that only said TransactionFailed is among them."""

    transactions: int
    successes: int
    reverts: int
    orphaned: int
    coordinator_calls: int
    gas_used: int
    transactions_per_s: float | None
    successes_per_s: float | None


def throughput(history: History, chain: str) -> Throughput:
    """Canonical transactions, calls and gas, and rates per second of the run's clock (None for a run of no time)."""
    mined = [tx for _, tx in history.transactions(chain)]
    successes = sum(tx.status for tx in mined)
    seconds = history.end_ms / 1000
    return {
        "transactions": len(mined),
        "successes": successes,
        "reverts": len(mined) - successes,
        "orphaned": sum(len(block.txs) for block in history.orphans if block.chain == chain),
        "coordinator_calls": sum(call.ok for tx in mined if tx.status == 1 for call in tx.calls),
        "gas_used": sum(tx.gas_used for tx in mined),
        "transactions_per_s": round(len(mined) / seconds, 4) if seconds else None,
        "successes_per_s": round(successes / seconds, 4) if seconds else None,
    }
