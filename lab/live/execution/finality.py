"""Whether the block of a receipt is final on a real network, by the policy in force there."""

from __future__ import annotations

from typing import Any

from lab.model.chain.finality import Finality
from lab.relayer.memory.records import BlockId, Head
from lab.relayer.reading.finality import FinalityJudge
from lab.relayer.reading.headers import parse_head
from lab.rpc import Rpc
from lab.rpc.client import quantity


def is_final(rpc: Rpc, policy: Finality, receipt: dict[str, Any], now_s: float | None = None) -> bool:
    """Whether it is by the chain's own time, or by `now_s` (unix) where that is later: an idle chain has no blocks.

    Raises an RpcFailure. A block that is no longer canonical is not final, however old.
    """
    number = quantity("eth_getTransactionReceipt", receipt["blockNumber"])
    block = rpc.block(number)
    if block is None or block["hash"] != receipt["blockHash"]:
        return False
    head = parse_head("eth_getBlockByNumber", rpc.block("latest"))
    judge = FinalityJudge(rpc, policy, genesis_time=0)
    return judge.is_final(BlockId("", number, block["hash"]), head, int(_now_s(head, now_s) * 1000))


def final_block(rpc: Rpc, policy: Finality, now_s: float | None = None) -> Head:
    """The newest block that is final now, the genesis block where none is; `now_s` as above. Raises an RpcFailure."""
    head = parse_head("eth_getBlockByNumber", rpc.block("latest"))
    if policy.tag is not None:
        tagged = rpc.block(policy.tag)
        return _at(rpc, 0) if tagged is None else parse_head("eth_getBlockByNumber", tagged)
    if policy.blocks is not None:
        return _at(rpc, max(0, head.number - policy.blocks))
    # The newest block that is old enough, by bisection: block times do not fall.
    oldest, newest, latest_time_s = 0, head.number, _now_s(head, now_s) - (policy.seconds or 0)
    while oldest < newest:
        middle = (oldest + newest + 1) // 2
        if _at(rpc, middle).timestamp <= latest_time_s:
            oldest = middle
        else:
            newest = middle - 1
    return _at(rpc, oldest)


def _at(rpc: Rpc, number: int) -> Head:
    return parse_head("eth_getBlockByNumber", rpc.block(number))


def _now_s(head: Head, now_s: float | None) -> float:
    return head.timestamp if now_s is None else max(float(head.timestamp), now_s)
