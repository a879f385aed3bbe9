"""What the chain itself says after the run: which transactions are in its blocks, and which of them succeeded.

Logs prove success: a transaction that reverts leaves none. So a block's logs are fetched in one call, and receipts only
of those without a log. Fetching every receipt takes an Anvil node quadratic time in the size of its blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.coordinator import Codec
from lab.load.drive.observer import SeenBlock, parse_block
from lab.rpc import Rpc, RpcFailure

RECEIPT_SAMPLES = 20


@dataclass
class OnchainResult:
    """What one chain says. Hashes are bytes; gas of single transactions is that of a sample.

    `why_reverted` is the reason of the first transaction that reverted, in the lab's words.
    """

    blocks: list[SeenBlock]
    succeeded: set[bytes] = field(default_factory=set)
    reverted: set[bytes] = field(default_factory=set)
    events: dict[str, int] = field(default_factory=dict)
    buffered: dict[bytes, int] = field(default_factory=dict)
    buffered_ids: int = 0
    duplicate_ids: int = 0
    sampled_gas: list[int] = field(default_factory=list)
    sample_mismatches: int = 0
    why_reverted: str | None = None


def read_onchain(rpc: Rpc, contract: str, codec: Codec, seen: Sequence[SeenBlock], first_block: int) -> OnchainResult:
    """Every block from `first_block` to the head, those that the observer missed included. Raises an RpcFailure."""
    known = {block.number: block for block in seen}
    head = rpc.block_number()
    onchain = OnchainResult([])
    ids: set[str] = set()
    for number in range(first_block, head + 1):
        block = known.get(number)
        fresh = rpc.block(number)
        if fresh is None:
            raise RpcFailure("eth_getBlockByNumber", f"expected block {number} of {head}, the node has none")
        if block is None or block.hash != fresh["hash"]:
            # Not seen, or replaced since: its own timestamp is the best that is known, to a block's length.
            block = parse_block(fresh, float(int(fresh["timestamp"], 16)), float("inf"))
        onchain.blocks.append(block)
        if block.hashes:
            classify_block(rpc, contract, codec, block, onchain, ids)
    onchain.buffered_ids = len(ids)
    return onchain


def classify_block(
    rpc: Rpc, contract: str, codec: Codec, block: SeenBlock, onchain: OnchainResult, ids: set[str]
) -> None:
    """Sort a block's transactions by success, and count the contract's events in it. Raises an RpcFailure."""
    logged: set[str] = set()
    for log in rpc.logs(contract, block.number, block.number):
        logged.add(log["transactionHash"])
        decoded = codec.decode_log(log)
        name = decoded.event if decoded is not None else "unknown"
        onchain.events[name] = onchain.events.get(name, 0) + 1
        if decoded is not None and name == "TransactionBuffered":
            tx_hash = bytes.fromhex(log["transactionHash"][2:])
            onchain.buffered[tx_hash] = onchain.buffered.get(tx_hash, 0) + 1
            tx_id = decoded.args["tx_id"]
            onchain.duplicate_ids += tx_id in ids
            ids.add(tx_id)
    onchain.succeeded.update(bytes.fromhex(tx_hash[2:]) for tx_hash in logged)
    for silent in block.hashes:
        if silent not in logged:
            ends = onchain.succeeded if _ok(rpc.receipt(silent)) else onchain.reverted
            ends.add(bytes.fromhex(silent[2:]))
            if onchain.reverted and onchain.why_reverted is None:
                onchain.why_reverted = _reason(rpc, codec, silent)
    if len(onchain.sampled_gas) < RECEIPT_SAMPLES and block.hashes:
        # The claim that a log means status 1 is itself looked at.
        sampled = block.hashes[len(onchain.sampled_gas) % len(block.hashes)]
        receipt = rpc.receipt(sampled)
        onchain.sample_mismatches += _ok(receipt) != (bytes.fromhex(sampled[2:]) in onchain.succeeded)
        if receipt is not None:
            onchain.sampled_gas.append(int(receipt["gasUsed"], 16))


def _reason(rpc: Rpc, codec: Codec, tx_hash: str) -> str:
    """Why a transaction reverted, from one trace."""
    try:
        trace = rpc.call("debug_traceTransaction", tx_hash, {"tracer": "callTracer"})
    except RpcFailure as failure:
        return f"its reason is not known: {failure}"
    reason = codec.reasons.traced(trace)
    return f'"{reason}"' if reason else "without a reason"


def _ok(receipt: dict[str, Any] | None) -> bool:
    return receipt is not None and receipt.get("status") == "0x1"
