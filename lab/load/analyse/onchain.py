"""What the chain itself says after the run: which transactions are in its blocks, and which of them succeeded.

Logs prove success: a transaction that reverts leaves none. So a block's logs are fetched in one call, and receipts only
of those without a log. Fetching every receipt takes an Anvil node quadratic time in the size of its blocks.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from lab.coordinator import Codec
from lab.load.drive.observer import SeenBlock, parse_block
from lab.rpc import Rpc, RpcFailure
from lab.traffic.hashes import Flags, Hashes, Integers, column

RECEIPT_SAMPLES = 20
NOT_KNOWN = "its reason is not known"


@dataclass
class OnchainResult:
    """What one chain says. Columns have a row for each transaction of its blocks, in their order.

    `success` has a byte for each, `buffered` the TransactionBuffered events of each; `ids` are those of these events,
    32 bytes each. Gas of single transactions is that of a sample. `why_reverted` is the reason of the first transaction
    that reverted, in the lab's words; of the last one where the node has no longer what the first one needs.
    """

    blocks: list[SeenBlock]
    success: bytearray = field(default_factory=bytearray)
    buffered: array[int] = field(default_factory=lambda: array("I"))
    ids: bytearray = field(default_factory=bytearray)
    events: dict[str, int] = field(default_factory=dict)
    sampled_gas: list[int] = field(default_factory=list)
    sample_mismatches: int = 0
    why_reverted: str | None = None
    last_reverted: str = ""

    @cached_property
    def hashes(self) -> Hashes:
        """Of every transaction."""
        return column(block.hashes for block in self.blocks)

    @cached_property
    def block_of(self) -> Integers:
        """Where the block of each stands among the blocks."""
        return np.repeat(np.arange(len(self.blocks)), [block.count for block in self.blocks])

    @cached_property
    def succeeded(self) -> Flags:
        """Of every transaction; none where the chain stopped to answer before it had said so."""
        flags = np.zeros(len(self.hashes), bool)
        flags[: len(self.success)] = np.frombuffer(self.success, bool)
        return flags

    @cached_property
    def succeeded_in(self) -> list[int]:
        """How many succeeded in each block."""
        counts: list[int] = np.bincount(self.block_of[self.succeeded], minlength=len(self.blocks)).tolist()
        return counts

    @cached_property
    def distinct_ids(self) -> int:
        """How many different ids were buffered."""
        ordered = np.sort(column(self.ids))
        return int((ordered[1:] != ordered[:-1]).sum()) + bool(len(ordered))

    @property
    def duplicate_ids(self) -> int:
        """How many events had an id that another had before."""
        return len(column(self.ids)) - self.distinct_ids


def read_onchain(rpc: Rpc, contract: str, codec: Codec, seen: Sequence[SeenBlock], first_block: int) -> OnchainResult:
    """Every block from `first_block` to the head, those that the observer missed included. Raises an RpcFailure."""
    known = {block.number: block for block in seen}
    head = rpc.block_number()
    onchain = OnchainResult([])
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
            classify_block(rpc, contract, codec, block, onchain)
    if onchain.why_reverted is not None and onchain.why_reverted.startswith(NOT_KNOWN):
        onchain.why_reverted = _reason(rpc, codec, onchain.last_reverted)
    return onchain


def classify_block(rpc: Rpc, contract: str, codec: Codec, block: SeenBlock, onchain: OnchainResult) -> None:
    """Sort a block's transactions by success, and count the contract's events in it. Raises an RpcFailure."""
    buffered: dict[str, int] = {}
    for log in rpc.logs(contract, block.number, block.number):
        decoded, tx_hash = codec.decode_log(log), log["transactionHash"]
        name = decoded.event if decoded is not None else "unknown"
        onchain.events[name] = onchain.events.get(name, 0) + 1
        buffered.setdefault(tx_hash, 0)
        if decoded is not None and name == "TransactionBuffered":
            buffered[tx_hash] += 1
            onchain.ids += bytes.fromhex(decoded.args["tx_id"][2:])
    success: list[bool] = []
    for tx_hash in block.texts():
        success.append(tx_hash in buffered or _ok(rpc.receipt(tx_hash)))
        onchain.buffered.append(buffered.get(tx_hash, 0))
        if not success[-1] and onchain.why_reverted is None:
            onchain.why_reverted = _reason(rpc, codec, tx_hash)
        onchain.last_reverted = onchain.last_reverted if success[-1] else tx_hash
    onchain.success += bytes(success)
    if len(onchain.sampled_gas) < RECEIPT_SAMPLES and block.count:
        # The claim that a log means status 1 is itself looked at.
        sample = len(onchain.sampled_gas) % block.count
        receipt = rpc.receipt(block.texts()[sample])
        onchain.sample_mismatches += _ok(receipt) != success[sample]
        if receipt is not None:
            onchain.sampled_gas.append(int(receipt["gasUsed"], 16))


def _reason(rpc: Rpc, codec: Codec, tx_hash: str) -> str:
    """Why a transaction reverted, from one trace."""
    try:
        trace = rpc.call("debug_traceTransaction", tx_hash, {"tracer": "callTracer"})
    except RpcFailure as failure:
        return f"{NOT_KNOWN}: {failure}"
    reason = codec.reasons.traced(trace)
    return f'"{reason}"' if reason else "without a reason"


def _ok(receipt: dict[str, Any] | None) -> bool:
    return receipt is not None and receipt.get("status") == "0x1"
