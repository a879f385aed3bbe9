"""Simulated blocks as far apart in number as a contract wants between buffering and resolve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.model.contract.names import Limits
from lab.rpc import Rpc


def spaced(rpc: Rpc, blocks: Sequence[dict[str, Any]], limits: Limits) -> list[dict[str, Any]]:
    """The blocks of `eth_simulateV1` with numbers of their own; as they are for a contract that wants no delay."""
    gap = limits.resolve_after_blocks or 0
    if gap < 2:
        return list(blocks)
    head = rpc.block_number()
    return [
        {**block, "blockOverrides": {**block.get("blockOverrides", {}), "number": hex(head + gap * place)}}
        for place, block in enumerate(blocks, 1)
    ]
