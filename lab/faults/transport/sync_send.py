"""`eth_sendRawTransactionSync` (EIP-7966): how long it waits for its block, and what it says if none comes.

The lab answers it itself, for the node's own waiting would hide when it took the transaction, and under the virtual
clock no block comes while somebody waits.
"""

from __future__ import annotations

from typing import Any

from lab.faults.transport.methods import SEND_SYNC
from lab.faults.transport.raw_transaction import Sent
from lab.rpc import RpcFailure, RpcRefused

# Geth's `--rpc.txsync.defaulttimeout` and `--rpc.txsync.maxtimeout`.
WAIT_S = 20.0
WAIT_S_MAX = 60.0
LOOK_MS = 50
NOT_MINED = 4


def sync_wait_s(params: list[Any]) -> float:
    """How long to wait, in seconds. The second parameter gives milliseconds, as a number or in hex.

    Raises RpcRefused for what is no such time.
    """
    given = params[1] if len(params) > 1 else None
    if given is None:
        return WAIT_S
    try:
        wait_ms = int(given, 16) if isinstance(given, str) else int(given)
    except (TypeError, ValueError, OverflowError):
        wait_ms = -1
    if wait_ms <= 0:
        raise RpcRefused(SEND_SYNC, -32602, f"expected a time to wait in milliseconds, got {str(given)[:40]!r}")
    return min(wait_ms / 1000, WAIT_S_MAX)


def was_taken(failure: RpcFailure | None) -> bool:
    """Whether a failure only says that the transaction is not mined yet."""
    return isinstance(failure, RpcRefused) and (failure.method, failure.code) == (SEND_SYNC, NOT_MINED)


def not_mined(sent: Sent, wait_s: float) -> RpcRefused:
    """The answer when the time is over: the pool has it, and the data names it."""
    text = f"The transaction was added to the mempool but wasn't processed within {wait_s:g}s"
    return RpcRefused(SEND_SYNC, NOT_MINED, text, sent.hash)
