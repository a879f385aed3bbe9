"""Gas per function and cost per chain, over the canonical transactions.

Cost is gas used times gas price. The fee that an OP chain takes for L1 data is not in the receipts, so not in here.
"""

from __future__ import annotations

from typing import TypedDict

from lab.metrics.distribution import Extremes, extremes
from lab.model.history import History
from lab.model.records import Tx

WEI_PER_TOKEN = 10**18


def _label(tx: Tx) -> str | None:
    """What a transaction's gas is booked under: its function, alone or batched; None for a mixture or for no call."""
    functions = {call.function for call in tx.calls}
    if len(functions) != 1:
        return None
    (function,) = functions
    if tx.status == 0:
        return f"{function} (reverted)"
    return function if len(tx.calls) == 1 else f"{function} (batched, per call)"


def gas_by_function(history: History, chain: str) -> dict[str, Extremes]:
    """Count of transactions, and min, mean and max gas of each function, by its name."""
    by_label: dict[str, list[int]] = {}
    for _, tx in history.transactions(chain):
        label = _label(tx)
        if label is not None:
            by_label.setdefault(label, []).append(tx.gas_used // len(tx.calls))
    return {label: extremes(values) for label, values in sorted(by_label.items())}


def tokens(wei: int) -> str:
    """An amount of wei in the chain's native token, exact, without an exponent."""
    whole, rest = divmod(wei, WEI_PER_TOKEN)
    return f"{whole}.{rest:018d}".rstrip("0").rstrip(".")


class Cost(TypedDict):
    """Wei is text, since JSON readers lose digits; native tokens are exact, too."""

    wei: str
    native: str
    native_by_role: dict[str, str]


def cost(history: History, chain: str) -> Cost:
    """What the chain's transactions cost, in all and by the sender's role."""
    names = {address: role for role, address in history.header.roles.items()}
    total, by_role = 0, dict[str, int]()
    for _, tx in history.transactions(chain):
        paid = tx.gas_used * tx.gas_price
        total += paid
        role = names.get(tx.sender, "other")
        by_role[role] = by_role.get(role, 0) + paid
    by_name = {role: tokens(paid) for role, paid in sorted(by_role.items())}
    return Cost(wei=str(total), native=tokens(total), native_by_role=by_name)
