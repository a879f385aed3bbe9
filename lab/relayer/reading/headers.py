"""Block headers and logs from JSON, checked: an answer of another shape is a failed call, never an empty one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.relayer.memory.records import BlockId, Head
from lab.rpc import RpcMalformed
from lab.rpc.client import quantity


@dataclass(frozen=True, slots=True)
class RawLog:
    """One log with the block it belongs to; `body` is what the codec decodes."""

    number: int
    hash: str
    index: int
    body: Mapping[str, Any]


def parse_head(method: str, block: Any) -> Head:
    """The header fields that the relayer uses. Raises RpcMalformed."""
    if not isinstance(block, Mapping):
        raise RpcMalformed(method, f"expected a block, got {str(block)[:80]!r}")
    return Head(
        quantity(method, block.get("number")),
        _hash(method, block.get("hash")),
        _hash(method, block.get("parentHash")),
        quantity(method, block.get("timestamp")),
        quantity(method, block.get("baseFeePerGas", "0x0")),
        quantity(method, block.get("gasLimit", "0x0")),
        block.get("transactions") == [],
    )


def parse_log(log: Any, contract: str) -> RawLog:
    """One log of the contract. Raises RpcMalformed, also for a log of another contract or one marked as removed."""
    method = "eth_getLogs"
    if not isinstance(log, Mapping) or not isinstance(log.get("topics"), list) or not isinstance(log.get("data"), str):
        raise RpcMalformed(method, f"expected a log, got {str(log)[:80]!r}")
    if str(log.get("address", "")).lower() != contract.lower() or log.get("removed"):
        raise RpcMalformed(method, f"expected a standing log of {contract}, got {str(log)[:120]!r}")
    number = quantity(method, log.get("blockNumber"))
    return RawLog(number, _hash(method, log.get("blockHash")), quantity(method, log.get("logIndex")), log)


def parse_place(chain: str, receipt: Any) -> tuple[BlockId, bool]:
    """The block that holds a transaction, and whether its status is success. Raises RpcMalformed."""
    method = "eth_getTransactionReceipt"
    if not isinstance(receipt, Mapping):
        raise RpcMalformed(method, f"expected a receipt, got {str(receipt)[:80]!r}")
    block = BlockId(chain, quantity(method, receipt.get("blockNumber")), _hash(method, receipt.get("blockHash")))
    return block, quantity(method, receipt.get("status", "0x0")) == 1


def _hash(method: str, value: Any) -> str:
    if isinstance(value, str) and len(value) == 66 and value.startswith("0x"):
        return value.lower()
    raise RpcMalformed(method, f"expected a 32-byte hash, got {str(value)[:80]!r}")
