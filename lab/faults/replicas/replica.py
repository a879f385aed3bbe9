"""What a node would say that is some blocks behind the chain: one request to it, seen as one moment.

Requests are turned into ones about its own head, and answers about later blocks into those of a node that has not seen
them. Blocks are also named by hash: whoever injects a replica supplies the heights of the newest hashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.chains.chain import Chain
from lab.chains.mined import Mined
from lab.faults.transport.policy import Effect
from lab.rpc import RpcRefused

SERVER_ERROR = -32000
# Where a method names the block that it is about.
BLOCK_AT = {"eth_getBlockByNumber": 0, "eth_getBlockReceipts": 0, "eth_getStorageAt": 2}
BLOCK_AT |= dict.fromkeys(("eth_call", "eth_estimateGas", "eth_getBalance", "eth_getCode", "eth_feeHistory"), 1)
BLOCK_AT |= {"eth_getTransactionCount": 1}
ANSWERS = ("eth_blockNumber", "eth_getBlockByHash", "eth_getTransactionByHash", "eth_getTransactionReceipt")
METHODS = frozenset((*BLOCK_AT, *ANSWERS, "eth_getLogs"))


def height_of(ref: Any, head: int, chain: Chain) -> int | None:
    """The number that a block's number or tag means at a head; None for anything else."""
    if ref in ("latest", "pending"):
        return head
    if ref == "earliest":
        return 0
    if ref in ("safe", "finalized"):
        return chain.tagged(ref, head)
    try:
        return int(ref, 16) if isinstance(ref, str) and len(ref) < 66 else None
    except ValueError:
        return None


class Heights(dict[str, int]):
    """Heights of a chain's newest blocks by their hash, kept up to date between `begin` and `end`."""

    def __init__(self, chain: Chain) -> None:
        super().__init__()
        self._chain = chain

    def begin(self, first: int) -> None:
        """Note every block from this number on."""
        for number in range(max(0, first), self._chain.producer.head.number + 1):
            self._note(number)
        self._chain.producer.listeners.append(self._on_block)

    def end(self) -> None:
        if self._on_block in self._chain.producer.listeners:
            self._chain.producer.listeners.remove(self._on_block)

    def _on_block(self, mined: Mined) -> None:
        self._note(mined.number)

    def _note(self, number: int) -> None:
        block = self._chain.producer.rpc.block(number)
        if block is not None:
            self[str(block["hash"]).lower()] = number


class Replica:
    """One request to a node that is `lag` blocks behind. `heights` are those of the newest blocks, by hash."""

    def __init__(self, chain: Chain, lag: int, heights: Mapping[str, int], method: str) -> None:
        self._chain, self._lag, self._heights, self._method = chain, lag, heights, method
        self._head = 0
        self._nothing = False

    def effect(self) -> Effect:
        return Effect(asks=(self._ask,), rewrites=(self._answer,))

    def _ask(self, params: list[Any]) -> list[Any]:
        self._head = max(0, self._chain.producer.head.number - self._lag)
        if self._method == "eth_getLogs":
            return [self._logs(params[0]), *params[1:]] if params and isinstance(params[0], dict) else params
        place = BLOCK_AT.get(self._method)
        if place is None or len(params) < place:
            return params
        ref = params[place] if len(params) > place else "latest"
        return [*params[:place], self._block(ref), *params[place + 1 :]]

    def _block(self, ref: Any) -> Any:
        if isinstance(ref, dict) and "blockHash" not in ref:
            return {**ref, "blockNumber": self._block(ref.get("blockNumber", "latest"))}
        block_hash = ref.get("blockHash") if isinstance(ref, dict) else ref
        if isinstance(block_hash, str) and self._heights.get(block_hash.lower(), 0) > self._head:
            raise RpcRefused(self._method, SERVER_ERROR, "header for hash not found")
        height = height_of(ref, self._head, self._chain)
        if height is None:
            return ref
        if height > self._head and self._method != "eth_getBlockByNumber":
            raise RpcRefused(self._method, SERVER_ERROR, "header not found")
        return hex(height)

    def _logs(self, query: dict[str, Any]) -> dict[str, Any]:
        if "blockHash" in query:
            if self._heights.get(str(query["blockHash"]).lower(), 0) > self._head:
                raise RpcRefused(self._method, SERVER_ERROR, "unknown block")
            return query
        ends = [height_of(query.get(key, "latest"), self._head, self._chain) for key in ("fromBlock", "toBlock")]
        first, last = (self._head if end is None else end for end in ends)
        self._nothing = first > self._head
        return {**query, "fromBlock": hex(min(first, self._head)), "toBlock": hex(min(last, self._head))}

    def _answer(self, result: Any) -> Any:
        if self._nothing:
            return []
        if self._method == "eth_blockNumber":
            return hex(self._head)
        if not isinstance(result, dict) or self._method == "eth_feeHistory":
            return result
        height = height_of(result.get("number") or result.get("blockNumber"), self._head, self._chain)
        if height is None or height <= self._head:
            return result
        if self._method == "eth_getTransactionByHash":
            # It has heard of the transaction, not of its block.
            return {**result, "blockHash": None, "blockNumber": None, "transactionIndex": None}
        return None
