"""Whether the block of a receipt is final on a real network, by the policy in force there."""

from __future__ import annotations

from typing import Any

from lab.model.chain.finality import Finality
from lab.rpc import Rpc
from lab.rpc.client import quantity


def is_final(rpc: Rpc, policy: Finality, receipt: dict[str, Any]) -> bool:
    """Raises an RpcFailure. A block that is no longer canonical is not final, however old."""
    number = quantity("eth_getTransactionReceipt", receipt["blockNumber"])
    block = rpc.block(number)
    if block is None or block["hash"] != receipt["blockHash"]:
        return False
    if policy.tag is not None:
        tagged = rpc.block(policy.tag)
        return tagged is not None and quantity("eth_getBlockByNumber", tagged["number"]) >= number
    head = rpc.block("latest")
    if head is None:
        return False
    if policy.blocks is not None:
        return quantity("eth_getBlockByNumber", head["number"]) >= number + policy.blocks
    age = quantity("eth_getBlockByNumber", head["timestamp"]) - quantity("eth_getBlockByNumber", block["timestamp"])
    return age >= (policy.seconds or 0)
