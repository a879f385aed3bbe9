"""Reads new blocks of one chain: each block once, its logs by range, and receipts of what was sent to the contract.

Requests: one for the head, one for each new block, one for the logs of a chunk, one for each block with transactions to
the contract, one or two for each that reverted. A chunk is remembered whole or not at all, and only if its logs, its
receipts and its blocks agree: an endpoint that lags, or several behind one address, cannot make a count wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lab.coordinator import Codec, DecodedCall, Reader
from lab.model.contract.batches import BATCHES
from lab.monitor.collect.facts import BlockFacts, CallFact, EventFact
from lab.monitor.collect.memory import ChainMemory, Mark, reason_label
from lab.rpc import Rpc, RpcFailure, RpcMalformed, RpcRefused
from lab.rpc.client import quantity

# A chunk costs at most 2 * CHUNK_BLOCKS + 2 * REASONS_MAX requests and its logs: less than the bound of a minute.
CHUNK_BLOCKS, REASONS_MAX = 20, 40
BLOCK = "eth_getBlockByNumber"
# From so many blocks behind on, only blocks with events are read, until the scan has caught up.
FAR_BLOCKS, SPARSE_BLOCKS = 2_000, 1_000
REFUSALS = ("not authorized", "unauthorized", "only owner", "only operator", "missing role", "caller is not")
TOO_WIDE = ("range", "more than", "too many results", "too large", "response size", "limit")


class ChainMoved(RpcFailure):
    """The endpoint's answers do not fit together: nothing was learnt, the next poll tries again."""

    definite = True


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block of the endpoint."""

    number: int
    hash: str
    timestamp: int
    base_fee: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Blocks in order, at least one, and how many between them were not read."""

    blocks: list[BlockFacts]
    unread: int


@dataclass
class _Allowance:
    """How many reasons of reverts may still be asked for: somebody may send a thousand calls that revert."""

    left: int

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class Scanner:
    """Reads of one chain and its contract."""

    chain: str
    contract: str
    codec: Codec
    reader: Reader
    start_block: int

    @property
    def rpc(self) -> Rpc:
        """The connection."""
        return self.reader.rpc

    def head(self) -> Head:
        """The newest block. Raises an RpcFailure."""
        return _head(self.rpc.block("latest"))

    def ancestor(self, memory: ChainMemory, head: Head) -> int | None:
        """The newest block remembered that is still canonical, if what is remembered above it is not.

        None without a reorg. An endpoint whose head is behind what is known, on the same chain, is no reorg.
        """
        tip = memory.tip
        if tip is None or (head.number == tip[0] and head.hash == tip[1]):
            return None
        if head.number > tip[0] and self._is_canonical(tip, head):
            return None
        known = [mark for mark in memory.marks() if mark[0] <= head.number]
        for mark in reversed(known):
            if self._is_canonical(mark, head):
                return None if mark[0] == head.number else mark[0]
        return self.start_block - 1

    def _is_canonical(self, mark: Mark, head: Head) -> bool:
        if mark[0] == head.number:
            return mark[1] == head.hash
        block = self.rpc.block(mark[0])
        # An endpoint that does not have a block below its own head lags behind itself.
        if block is None:
            raise ChainMoved(BLOCK, f"expected block {mark[0]} below the head {head.number}, got none")
        return str(block["hash"]) == mark[1]

    def chunks(self, memory: ChainMemory, head: Head) -> Iterator[Chunk]:
        """New blocks in order, up to the head. Raises an RpcFailure between chunks, never inside of one."""
        tip = memory.tip
        number, parent = (tip[0], tip[1]) if tip is not None else (self.start_block - 1, None)
        while number < head.number:
            if head.number - number > FAR_BLOCKS:
                chunk = self._sparse(number + 1, min(number + SPARSE_BLOCKS, head.number))
            else:
                chunk = self._dense(number + 1, min(number + CHUNK_BLOCKS, head.number), parent)
            yield chunk
            number, parent = chunk.blocks[-1].number, chunk.blocks[-1].hash

    def _dense(self, first: int, last: int, parent: str | None) -> Chunk:
        """Every block, each proven to follow the one before."""
        blocks = [self._block(number) for number in range(first, last + 1)]
        for block in blocks:
            if parent is not None and block["parentHash"] != parent:
                raise ChainMoved(BLOCK, f"block {block['number']} does not follow the one before")
            parent = str(block["hash"])
        return Chunk(self._facts(blocks, self._logs(first, last)), 0)

    def _sparse(self, first: int, last: int) -> Chunk:
        """The blocks with events, and the last one: what else was called between them stays unknown."""
        logs = self._logs(first, last)
        numbers = sorted({quantity("eth_getLogs", log.get("blockNumber")) for log in logs} | {last})[:CHUNK_BLOCKS]
        logs = [log for log in logs if quantity("eth_getLogs", log.get("blockNumber")) <= numbers[-1]]
        blocks = [self._block(number) for number in numbers]
        return Chunk(self._facts(blocks, logs), numbers[-1] - first + 1 - len(numbers))

    def final_number(self, tag: str) -> int | None:
        """The number of the node's tagged block; None if it has none."""
        block = self.rpc.block(tag)
        return quantity(BLOCK, block["number"]) if block is not None else None

    def _block(self, number: int) -> dict[str, Any]:
        block = self.rpc.block(number, full=True)
        if block is None or quantity(BLOCK, block["number"]) != number:
            raise ChainMoved(BLOCK, f"expected block {number}, got none: the endpoint lags")
        if not isinstance(block.get("transactions"), list) or not isinstance(block.get("parentHash"), str):
            raise RpcMalformed(BLOCK, f"expected a whole block {number}, got {str(block)[:80]!r}")
        return block

    def _facts(self, blocks: list[dict[str, Any]], logs: list[dict[str, Any]]) -> list[BlockFacts]:
        by_block: dict[str, list[Mapping[str, Any]]] = {str(block["hash"]): [] for block in blocks}
        for log in logs:
            if str(log.get("blockHash")) not in by_block:
                raise ChainMoved("eth_getLogs", f"expected logs of the blocks read, got one of {log.get('blockHash')}")
            by_block[str(log["blockHash"])].append(log)
        reasons = _Allowance(REASONS_MAX)
        return [self._block_facts(block, by_block[str(block["hash"])], reasons) for block in blocks]

    def _logs(self, first: int, last: int) -> list[dict[str, Any]]:
        try:
            return [log for log in self.rpc.logs(self.contract, first, last) if not log.get("removed")]
        except RpcRefused as refused:
            if first == last or not any(word in refused.reason.lower() for word in TOO_WIDE):
                raise
            middle = (first + last) // 2
            return self._logs(first, middle) + self._logs(middle + 1, last)

    def _block_facts(self, block: dict[str, Any], logs: list[Mapping[str, Any]], reasons: _Allowance) -> BlockFacts:
        number = quantity(BLOCK, block["number"])
        timestamp, base_fee = _timestamp(block), _base_fee(block)
        block_hash, parent = str(block["hash"]), str(block["parentHash"])
        if not block["transactions"] and not logs:
            return BlockFacts(number, block_hash, parent, timestamp, base_fee)
        mine = [tx for tx in block["transactions"] if str(tx.get("to") or "").lower() == self.contract.lower()]
        receipts = self._receipts(block, mine)
        there = {(str(log["transactionHash"]), str(log["logIndex"])) for log in logs}
        for receipt in receipts.values():
            for log in receipt.get("logs", ()):
                own = str(log.get("address", "")).lower() == self.contract.lower()
                if own and (str(log["transactionHash"]), str(log["logIndex"])) not in there:
                    raise ChainMoved("eth_getLogs", f"expected the logs of block {number} that its receipts have")
        calls = [self._call(tx, receipts[str(tx["hash"])], number, reasons) for tx in mine]
        dependencies = {tx_id: parent for _, parents in calls for tx_id, parent in parents.items()}
        logs = sorted(logs, key=lambda log: quantity("eth_getLogs", log.get("logIndex")))
        events = tuple(event for log in logs if (event := self._event(log, dependencies)) is not None)
        made = tuple(call for call, _ in calls)
        return BlockFacts(number, block_hash, parent, timestamp, base_fee, events, made)

    def _receipts(self, block: dict[str, Any], mine: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        if not mine:
            return {}
        answer: Any = None
        if len(mine) > 1:
            try:
                answer = self.rpc.call("eth_getBlockReceipts", block["number"])
            except RpcRefused:
                answer = None
        if not isinstance(answer, list):
            answer = [self.rpc.receipt(str(tx["hash"])) for tx in mine]
        receipts = {str(entry["transactionHash"]): entry for entry in answer if isinstance(entry, dict)}
        for tx in mine:
            receipt = receipts.get(str(tx["hash"]))
            if receipt is None or receipt.get("blockHash") != block["hash"]:
                raise ChainMoved("eth_getTransactionReceipt", f"expected the receipt of {tx['hash']} in its block")
        return receipts

    def _call(
        self, tx: dict[str, Any], receipt: dict[str, Any], number: int, reasons: _Allowance
    ) -> tuple[CallFact, dict[str, str | None]]:
        """A transaction to the contract, and the dependency of each transaction that it buffers."""
        decoded, method = self.codec.decode_call(str(tx.get("input", "0x"))), "eth_getTransactionReceipt"
        ok = quantity(method, receipt.get("status")) == 1
        gas, price = quantity(method, receipt.get("gasUsed")), quantity(method, receipt.get("effectiveGasPrice"))
        singles = self.codec.singles(decoded) if decoded is not None else []
        reason = None if ok or not reasons.take() else self._reason(tx, number)
        call = CallFact(
            tx=str(tx["hash"]),
            sender=str(tx["from"]).lower(),
            function=self._function(decoded),
            ok=ok,
            cost_wei=gas * price,
            reason=reason,
            unauthorized=not ok and any(words in (reason or "").lower() for words in REFUSALS),
            executed=tuple(str(single.args["tx_id"]) for single in singles if single.function == "mark_executed"),
            granted=_granted(decoded) if ok else None,
        )
        buffered = [single.args for single in singles if single.function == "buffer_transaction"]
        return call, {str(args.get("tx_id")): args.get("dependency_tx_id") for args in buffered}

    def _function(self, decoded: DecodedCall | None) -> str:
        known = decoded is not None and (decoded.function in self.codec.functions or decoded.function in BATCHES)
        return decoded.function if known and decoded is not None else "unknown"

    def _reason(self, tx: dict[str, Any], number: int) -> str | None:
        """Why a call reverted, by calling again: where its state is pruned, on today's. None if nobody says."""
        for block in (number - 1, "latest"):
            try:
                self.rpc.eth_call(self.contract, str(tx.get("input", "0x")), block=block, sender=str(tx["from"]))
            except RpcRefused as refused:
                data = refused.data.get("data") if isinstance(refused.data, dict) else refused.data
                reason = self.codec.reasons.decoded(data)
                if reason is not None or "revert" in refused.reason.lower():
                    return reason or refused.reason
        return None

    def _event(self, log: Mapping[str, Any], dependencies: dict[str, str | None]) -> EventFact | None:
        decoded = self.codec.decode_log(log)
        if decoded is None:
            return None
        args, tx = decoded.args, str(log["transactionHash"])
        tx_id = str(args["tx_id"]) if "tx_id" in args else None
        if decoded.event == "TransactionBuffered" and tx_id is not None:
            dependency = dependencies[tx_id] if tx_id in dependencies else self._dependency(tx_id)
            return EventFact(
                decoded.event, tx, tx_id, None, args.get("origin_rollup"), dependency, int(args.get("timestamp", 0))
            )
        reason = reason_label(args.get("reason")) if decoded.event == "TransactionFailed" else None
        return EventFact(decoded.event, tx, tx_id, reason, args.get("operator"))

    def _dependency(self, tx_id: str) -> str | None:
        """Of a transaction that another contract buffered; None where the contract does not say."""
        try:
            return self.reader.transaction(tx_id).dependency
        except (RpcRefused, ValueError):
            return None


def _head(block: dict[str, Any] | None) -> Head:
    if block is None:
        raise RpcMalformed(BLOCK, "expected a block, got none")
    return Head(quantity(BLOCK, block.get("number")), str(block["hash"]), _timestamp(block), _base_fee(block))


def _timestamp(block: dict[str, Any]) -> int:
    return quantity(BLOCK, block.get("timestamp"))


def _base_fee(block: dict[str, Any]) -> int:
    return quantity(BLOCK, block.get("baseFeePerGas", "0x0"))


def _granted(decoded: DecodedCall | None) -> str | None:
    """The account that a call makes an operator."""
    if decoded is None or decoded.function != "add_operator":
        return None
    return str(decoded.args["operator"]).lower()
