"""Whether the block of a receipt is final on a real network, by the policy in force there."""

from __future__ import annotations

from typing import Any

from lab.model.chain.finality import Finality
from lab.relayer.memory.records import BlockId
from lab.relayer.reading.finality import FinalityJudge
from lab.relayer.reading.headers import parse_head
from lab.rpc import Rpc
from lab.rpc.client import quantity


def is_final(rpc: Rpc, policy: Finality, receipt: dict[str, Any]) -> bool:
    """By the chain's own time. Raises an RpcFailure. A block that is no longer canonical is not final, however old."""
    number = quantity("eth_getTransactionReceipt", receipt["blockNumber"])
    block = rpc.block(number)
    if block is None or block["hash"] != receipt["blockHash"]:
        return False
    head = parse_head("eth_getBlockByNumber", rpc.block("latest"))
    judge = FinalityJudge(rpc, policy, genesis_time=0)
    return judge.is_final(BlockId("", number, block["hash"]), head, head.timestamp * 1000)
