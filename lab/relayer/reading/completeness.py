"""Whether a scan got every log: the contract counts what it buffers, so logs that a node leaves out are missed.

An empty answer proves nothing: an index may lag behind the blocks, or lose some. Asked once for each new head that
holds a transaction, for nothing else changes the count. Whoever catches up has another proof: what is READY was made so
in a block that was scanned, and a log says where. What was known before then is looked at when a call of it is refused,
when a child of it is READY, and after a start (`sending/outcomes.py`); as long as it is in doubt the checkpoint stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.relayer.reading import refusals
from lab.relayer.reading.chain import Chain
from lab.relayer.reading.scan import Scan
from lab.rpc import RpcFailure, RpcMalformed, RpcRefused

COUNT = "transaction_count"
# After so many polls without it, the contract is taken for one that does not announce.
DOUBTS_MAX = 8


class LogsMissing(RpcFailure):
    """The contract took more transactions than there are logs of: nothing was learnt, the next poll asks again."""

    definite = True


def check_complete(chain: Chain, scan: Scan) -> None:
    """Raises LogsMissing, or another RpcFailure when the count cannot be read."""
    if not chain.counts:
        return
    base = scan.ancestor if scan.ancestor is not None else chain.trail[-1][0] if chain.trail else None
    known = next((mark[1] for mark in reversed(chain.trail) if base is not None and mark[0] <= base), "")
    head = scan.head.hash
    if scan.head.empty and scan.head.parent == known and known in chain.counted:
        chain.counted = {known: chain.counted[known], head: chain.counted[known]}
        return
    before = _count(chain, known, head=False) if known else 0
    if before is not None:
        # Kept until the scan position moves: while logs are missing, the node may come to prune that block's state.
        chain.counted = {known: before}
    after = _count(chain, head, head=True)
    if before is None or after is None:
        return
    logged = sum(log is not None and log.event == "TransactionBuffered" for log in chain.decoded(scan.logs))
    if logged > after - before:
        # This contract counts something else, or nothing: it proves nothing either way.
        chain.counts = False
    elif logged < after - before:
        raise LogsMissing(
            "eth_getLogs",
            f"expected {after - before} new transactions up to block {scan.head.number}, as the contract counts, "
            f"got the logs of {logged}",
        )
    else:
        chain.counted[head] = after


def check_announced(chain: Chain, unannounced: Sequence[str]) -> None:
    """Raises LogsMissing where the contract calls READY what no log made so, unless that is its way."""
    if not unannounced or not chain.announces or "TransactionReady" not in chain.codec.events:
        chain.doubts = 0
        return
    chain.doubts += 1
    chain.announces = chain.doubts <= DOUBTS_MAX
    if chain.announces:
        raise LogsMissing(
            "eth_getLogs", f"expected the log that made {unannounced[0]} READY, as the contract says it is; got none"
        )


def _count(chain: Chain, block_hash: str, *, head: bool) -> int | None:
    """The contract's count at a block; None where it has none, or the node no longer has that block's state."""
    if not chain.codec.has(COUNT):
        return None
    if block_hash in chain.counted:
        return chain.counted[block_hash]
    try:
        count = chain.reader.get(COUNT, block={"blockHash": block_hash})
    except RpcRefused as refused:
        if head and refusals.revert_reason(refused) is None:
            # Whoever answers here does not know the head that somebody behind the same address has just shown.
            raise LogsMissing(
                "eth_call", f"expected the state of the head {block_hash}, got {refused.reason}"
            ) from refused
        # Its state is pruned, or the block is gone again: a later scan has another base.
        return None
    except ValueError as error:
        raise RpcMalformed("eth_call", str(error)) from error
    return count if isinstance(count, int) else None
