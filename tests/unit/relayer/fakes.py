"""A chain in memory that speaks JSON-RPC through `Transport`: blocks, logs, reorgs, a pool, and a tiny coordinator.

It mines only when told to, keeps the state of every block, and can lose replies, drop requests, or be down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import rlp
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from lab.coordinator import Codec
from lab.model.contract.batches import BATCHES
from lab.rpc import RpcRefused, RpcTimeout, RpcUnavailable

GENESIS = 1_800_000_000
CONTRACT = "0x" + "c0" * 20
ZERO_ID = "0x" + "00" * 32
FLAGS = {"EMPTY": 1, "BUFFERED": 2, "READY": 4, "EXECUTED": 8, "EXPIRED": 16}


def _function(name: str, inputs: list[tuple[str, str]], outputs: tuple[str, ...] = (), view: bool = False) -> Any:
    return {
        "type": "function",
        "name": name,
        "stateMutability": "view" if view else "nonpayable",
        "inputs": [{"name": n, "type": t} for n, t in inputs],
        "outputs": [{"name": "", "type": t} for t in outputs],
    }


def _event(name: str, inputs: list[tuple[str, str, bool]]) -> Any:
    fields = [{"name": n, "type": t, "indexed": indexed} for n, t, indexed in inputs]
    return {"type": "event", "name": name, "anonymous": False, "inputs": fields}


STRUCT = [
    ("origin_rollup", "address"),
    ("target_rollup", "address"),
    ("payload", "bytes"),
    ("dependency_tx_id", "bytes32"),
    ("timestamp", "uint256"),
    ("state", "uint256"),
]
TRANSACTIONS = _function("transactions", [("tx_id", "bytes32")], (), True) | {
    "outputs": [{"name": "", "type": "tuple", "components": [{"name": n, "type": t} for n, t in STRUCT]}]
}
ABI: list[dict[str, Any]] = [
    _function("buffer_transaction", [("tx_id", "bytes32"), ("origin_rollup", "address"), ("target_rollup", "address"),
                                     ("payload", "bytes"), ("dependency_tx_id", "bytes32"), ("timestamp", "uint256")]),
    _function("resolve_dependency", [("tx_id", "bytes32")]),
    _function("mark_executed", [("tx_id", "bytes32")]),
    _function("expire_transaction", [("tx_id", "bytes32")]),
    _function("pause", []),
    _function("unpause", []),
    _function("set_coordination_window", [("window", "uint256")]),
    _function("get_transaction_state", [("tx_id", "bytes32")], ("uint256",), True),
    _function("get_transaction_details", [("tx_id", "bytes32")],
              ("address", "address", "bytes32", "uint256", "uint256"), True),
    TRANSACTIONS,
    _function("coordination_window", [], ("uint256",), True),
    _event("TransactionBuffered", [("tx_id", "bytes32", True), ("origin_rollup", "address", True),
                                   ("target_rollup", "address", True), ("timestamp", "uint256", False)]),
    _event("TransactionReady", [("tx_id", "bytes32", True)]),
    _event("TransactionFailed", [("tx_id", "bytes32", True), ("reason", "string", False)]),
    _event("EmergencyStop", [("caller", "address", True), ("reason", "string", False)]),
    _event("EmergencyStopLifted", [("caller", "address", True)]),
    _event("OperatorAdded", [("operator", "address", True)]),
    _event("CoordinationWindowSet", [("window", "uint256", False)]),
]  # fmt: skip


BATCH_ABI = [
    *ABI,
    _function("buffer_batch", [])
    | {"inputs": [{"name": "requests", "type": "tuple[]", "components": ABI[0]["inputs"]}]},
    _function("resolve_batch", [("tx_ids", "bytes32[]")]),
    _function("execute_batch", [("tx_ids", "bytes32[]")]),
]
COUNTED_ABI = [*ABI, _function("transaction_count", [], ("uint256",), True)]


class Revert(Exception):
    """The contract refuses."""


@dataclass(frozen=True)
class Stored:
    """One transaction in the contract."""

    origin: str
    target: str
    payload: str
    dependency: str
    timestamp: int
    state: str = "BUFFERED"


@dataclass
class Coordinator:
    """The contract's state and rules, as far as a relayer meets them."""

    window: int = 30
    paused: bool = False
    # How many a batch may hold, and how many batches took effect.
    batch_max: int = 64
    batches: int = 0
    stored: dict[str, Stored] = field(default_factory=dict)
    executions: list[str] = field(default_factory=list)

    def copied(self) -> Coordinator:
        """One that goes on by itself; what is stored never changes."""
        return replace(self, stored={**self.stored}, executions=[*self.executions])

    def apply(self, function: str, args: dict[str, Any], now: int) -> list[tuple[str, dict[str, Any]]]:
        """Run one call; the events. Raises Revert."""
        if function == "pause":
            self.paused = True
            return [("EmergencyStop", {"caller": "0x" + "01" * 20, "reason": "by hand"})]
        if function == "unpause":
            self.paused = False
            return [("EmergencyStopLifted", {"caller": "0x" + "01" * 20})]
        if function == "set_coordination_window":
            self.window = args["window"]
            return [("CoordinationWindowSet", {"window": self.window})]
        if self.paused:
            raise Revert("Coordinator is paused")
        if function in BATCHES:
            (items,) = args.values()
            if len(items) > self.batch_max:
                raise Revert("")
            names = [field["name"] for field in ABI[0]["inputs"]] if function == "buffer_batch" else ["tx_id"]
            rows = [item if isinstance(item, list) else [item] for item in items]
            made = [self.apply(BATCHES[function], dict(zip(names, row, strict=True)), now) for row in rows]
            self.batches += 1
            return [event for events in made for event in events]
        if function == "buffer_transaction":
            return self._buffer(args, now)
        tx_id = args["tx_id"]
        found = self.stored.get(tx_id)
        state = found.state if found else "EMPTY"
        if function == "resolve_dependency":
            if found is None or state != "BUFFERED":
                raise Revert("Transaction not in buffered state")
            return self._resolve(tx_id, found, now)
        if function == "mark_executed":
            if found is None or state != "READY":
                raise Revert("Transaction not ready")
            self._set(tx_id, "EXECUTED")
            self.executions.append(tx_id)
            return []
        assert function == "expire_transaction", function
        if found is None or state != "BUFFERED" or now <= found.timestamp + self.window:
            raise Revert("Transaction not expired")
        self._set(tx_id, "EXPIRED")
        return [("TransactionFailed", {"tx_id": tx_id, "reason": "Transaction expired"})]

    def _set(self, tx_id: str, state: str) -> None:
        self.stored[tx_id] = replace(self.stored[tx_id], state=state)

    def _buffer(self, args: dict[str, Any], now: int) -> list[tuple[str, dict[str, Any]]]:
        if args["tx_id"] in self.stored:
            raise Revert("Transaction already exists")
        if args["timestamp"] < now:
            raise Revert("Timestamp cannot be in the past")
        self.stored[args["tx_id"]] = Stored(args["origin_rollup"], args["target_rollup"], args["payload"],
                                            args["dependency_tx_id"], args["timestamp"])  # fmt: skip
        names = ("tx_id", "origin_rollup", "target_rollup", "timestamp")
        return [("TransactionBuffered", {name: args[name] for name in names})]

    def _resolve(self, tx_id: str, found: Stored, now: int) -> list[tuple[str, dict[str, Any]]]:
        if now > found.timestamp + self.window:
            self._set(tx_id, "EXPIRED")
            return [("TransactionFailed", {"tx_id": tx_id, "reason": "Transaction expired"})]
        parent = self.stored.get(found.dependency)
        met = found.dependency == ZERO_ID or (parent is not None and parent.state in ("READY", "EXECUTED"))
        if now < found.timestamp or not met:
            return [("TransactionFailed", {"tx_id": tx_id, "reason": "Dependencies not satisfied"})]
        self._set(tx_id, "READY")
        return [("TransactionReady", {"tx_id": tx_id})]


@dataclass
class Pooled:
    """A transaction waiting, or mined."""

    hash: str
    sender: str
    nonce: int
    max_fee: int
    tip: int
    gas: int
    to: str
    data: str


@dataclass
class MinedBlock:
    """One block with everything needed to answer for it, and the state after it."""

    number: int
    hash: str
    parent: str
    timestamp: int
    base_fee: int
    logs: list[dict[str, Any]]
    txs: list[Pooled]
    receipts: dict[str, dict[str, Any]]
    state: Coordinator
    nonces: Counter[str]


class FakeChain:
    """A node. Set the fault attributes to make it misbehave; `sent` keeps all raw transactions that arrived."""

    def __init__(self, name: str, *, block_time_ms: int = 2000, sender: str, codec: Codec | None = None) -> None:
        self.name, self.block_time_ms, self.sender = name, block_time_ms, sender
        self.codec = codec or Codec(ABI)
        self.chain_id = 0
        self.hide_logs = False
        self.syncing = False
        # What the pending block carries; None: a node that shows its head in place of it.
        self.coming_timestamp: int | None = None
        self.count: int | None = None
        self.log_range: int | None = None
        self.base_fee = 1_000_000_000
        self.block_gas_limit = 30_000_000
        self.finalized_depth = 2
        self.pool: dict[tuple[str, int], Pooled] = {}
        self.sent: list[str] = []
        self.calls: Counter[str] = Counter()
        self.down = False
        self.lose_replies = 0
        self.lose_requests = 0
        self.refuse_sends: list[str] = []
        self.before_call: Callable[[str, list[Any]], None] | None = None
        self._salt = 0
        self._queue: list[tuple[str, dict[str, Any]]] = []
        genesis_hash = self._hash(0, ZERO_ID)
        genesis = MinedBlock(
            0, genesis_hash, ZERO_ID, GENESIS, self.base_fee, [], [], {}, Coordinator(), Counter()
        )  # fmt: skip
        self.blocks: list[MinedBlock] = [genesis]

    # --- driving --------------------------------------------------------------------------------------------------

    @property
    def head(self) -> MinedBlock:
        """The newest block."""
        return self.blocks[-1]

    def operate(self, function: str, *args: Any) -> None:
        """An operator's call, to be mined in the next block before anything from the pool."""
        names = [i["name"] for i in self.codec.functions[function]["inputs"]]
        self._queue.append((function, dict(zip(names, args, strict=True))))

    def mine(self, timestamp: int | None = None) -> MinedBlock:
        """One block with all that fits."""
        parent = self.head
        number = parent.number + 1
        at = timestamp if timestamp is not None else parent.timestamp + self.block_time_ms // 1000
        block_hash = self._hash(number, parent.hash)
        state, nonces = parent.state.copied(), Counter(parent.nonces)
        block = MinedBlock(number, block_hash, parent.hash, at, self.base_fee, [], [], {}, state, nonces)
        for function, args in self._queue:
            self._log(block, state.apply(function, args, at), "0x" + "0e" * 32)
        self._queue = []
        room = self.block_gas_limit
        for key in sorted(self.pool):
            tx = self.pool[key]
            if tx.nonce == nonces[tx.sender] and tx.max_fee >= self.base_fee and tx.gas <= room:
                room -= tx.gas
                del self.pool[key]
                self._include(block, tx)
        self.blocks.append(block)
        return block

    def reorg(self, depth: int, *, requeue: bool = False) -> None:
        """Replace the newest blocks by as many empty ones with the same timestamps."""
        orphans = self.blocks[-depth:]
        del self.blocks[-depth:]
        self._salt += 1
        waiting, self.pool = self.pool, {}
        for orphan in orphans:
            self.mine(orphan.timestamp)
        self.pool = waiting
        for orphan in orphans if requeue else []:
            for tx in orphan.txs:
                self.pool[(tx.sender, tx.nonce)] = tx

    def state_of(self, tx_id: str) -> str:
        """The state by name at the head."""
        found = self.head.state.stored.get(tx_id)
        return found.state if found else "EMPTY"

    # --- Transport ------------------------------------------------------------------------------------------------

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        if self.down:
            raise RpcUnavailable(method, "connection refused", sent=False)
        self.calls[method] += 1
        if self.before_call is not None:
            self.before_call(method, params)
        if method == "eth_sendRawTransaction" and self.lose_requests:
            self.lose_requests -= 1
            raise RpcTimeout(method, 1.0)
        answer = getattr(self, "_" + method)(*params)
        if method == "eth_sendRawTransaction" and self.lose_replies:
            self.lose_replies -= 1
            raise RpcTimeout(method, 1.0)
        return answer

    def _eth_syncing(self) -> Any:
        return {"currentBlock": hex(self.head.number)} if self.syncing else False

    def _eth_chainId(self) -> str:
        return hex(self.chain_id)

    def _eth_getBlockByNumber(self, ref: str, _full: bool) -> Any:
        if ref == "latest":
            return self._header(self.head)
        if ref == "pending":
            pending = {**self._header(self.head), "hash": None, "baseFeePerGas": hex(self.base_fee)}
            if self.coming_timestamp is not None:
                pending |= {"number": hex(self.head.number + 1), "timestamp": hex(self.coming_timestamp)}
            return pending
        if ref in ("finalized", "safe"):
            return self._header(self.blocks[max(0, self.head.number - self.finalized_depth)])
        number = int(ref, 16)
        return self._header(self.blocks[number]) if number < len(self.blocks) else None

    def _eth_getBlockByHash(self, block_hash: str, _full: bool) -> Any:
        return next((self._header(b) for b in self.blocks if b.hash == block_hash), None)

    def _eth_getLogs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        if self.hide_logs:
            return []
        if "blockHash" in query:
            return list(self._at({"blockHash": query["blockHash"]}).logs)
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        if self.log_range is not None and last - first + 1 > self.log_range:
            raise RpcRefused("eth_getLogs", -32602, f"query exceeds max block range {self.log_range}")
        return [log for block in self.blocks[first : last + 1] for log in block.logs]

    def _eth_getTransactionCount(self, address: str, ref: str) -> str:
        count = self.head.nonces[address]
        while ref == "pending" and (address, count) in self.pool:
            count += 1
        return hex(count)

    def _eth_getTransactionByHash(self, tx_hash: str) -> Any:
        known = [*self.pool.values(), *(tx for block in self.blocks for tx in block.txs)]
        return next(({"hash": tx.hash} for tx in known if tx.hash == tx_hash), None)

    def _eth_getTransactionReceipt(self, tx_hash: str) -> Any:
        return next((block.receipts[tx_hash] for block in self.blocks if tx_hash in block.receipts), None)

    def _eth_call(self, request: dict[str, Any], ref: Any) -> str:
        block = self._at(ref)
        call = self.codec.decode_call(request["data"])
        assert call is not None
        if call.function in BATCHES:
            self._eth_estimateGas(request)
            return "0x"
        if call.function == "coordination_window":
            return "0x" + encode(["uint256"], [block.state.window]).hex()
        if call.function == "transaction_count":
            return "0x" + encode(["uint256"], [len(block.state.stored) if self.count is None else self.count]).hex()
        nobody = "0x" + "00" * 20
        found = block.state.stored.get(call.args["tx_id"]) or Stored(nobody, nobody, "0x", ZERO_ID, 0, "EMPTY")
        state, dependency = FLAGS[found.state], bytes.fromhex(found.dependency[2:])
        if call.function == "get_transaction_state":
            return "0x" + encode(["uint256"], [state]).hex()
        if call.function == "get_transaction_details":
            values = [found.origin, found.target, dependency, found.timestamp, state]
            return "0x" + encode(["address", "address", "bytes32", "uint256", "uint256"], values).hex()
        struct = (found.origin, found.target, bytes.fromhex(found.payload[2:]), dependency, found.timestamp, state)
        return "0x" + encode(["(address,address,bytes,bytes32,uint256,uint256)"], [struct]).hex()

    def _eth_estimateGas(self, request: dict[str, Any]) -> str:
        call = self.codec.decode_call(request["data"])
        assert call is not None
        try:
            self.head.state.copied().apply(call.function, call.args, self.head.timestamp)
        except Revert as revert:
            data = "0x08c379a0" + encode(["string"], [str(revert)]).hex()
            raise RpcRefused("eth_estimateGas", 3, f"execution reverted: {revert}", data) from None
        return hex(60_000)

    def _eth_sendRawTransaction(self, raw: str) -> str:
        self.sent.append(raw)
        if self.refuse_sends:
            raise RpcRefused("eth_sendRawTransaction", -32000, self.refuse_sends.pop(0))
        tx = decode_raw(raw, self.sender)
        if tx.nonce < self.head.nonces[tx.sender]:
            raise RpcRefused("eth_sendRawTransaction", -32003, "nonce too low")
        held = self.pool.get((tx.sender, tx.nonce))
        if held is not None and held.hash == tx.hash:
            raise RpcRefused("eth_sendRawTransaction", -32003, "transaction already imported")
        if held is not None and (10 * tx.max_fee < 11 * held.max_fee or 10 * tx.tip < 11 * held.tip):
            raise RpcRefused("eth_sendRawTransaction", -32003, "replacement transaction underpriced")
        if tx.max_fee < self.base_fee:
            raise RpcRefused("eth_sendRawTransaction", -32003, "max fee per gas less than block base fee")
        self.pool[(tx.sender, tx.nonce)] = tx
        return tx.hash

    # --- inside ---------------------------------------------------------------------------------------------------

    def _include(self, block: MinedBlock, tx: Pooled) -> None:
        block.nonces[tx.sender] += 1
        block.txs.append(tx)
        status, call = 1, self.codec.decode_call(tx.data) if tx.to == CONTRACT else None
        if call is not None:
            before = block.state.copied()
            try:
                self._log(block, block.state.apply(call.function, call.args, block.timestamp), tx.hash)
            except Revert:
                status, block.state = 0, before
        block.receipts[tx.hash] = {
            "transactionHash": tx.hash, "status": hex(status),
            "blockNumber": hex(block.number), "blockHash": block.hash,
        }  # fmt: skip

    def _log(self, block: MinedBlock, events: list[tuple[str, dict[str, Any]]], tx_hash: str) -> None:
        for name, args in events:
            if name not in self.codec.events:
                continue
            inputs = self.codec.events[name]["inputs"]
            signature = f"{name}({','.join(i['type'] for i in inputs)})"
            topics = ["0x" + keccak(text=signature).hex()]
            topics += ["0x" + encode([i["type"]], [_raw(args[i["name"]])]).hex() for i in inputs if i["indexed"]]
            free = [i for i in inputs if not i["indexed"]]
            data = encode([i["type"] for i in free], [_raw(args[i["name"]]) for i in free])
            block.logs.append({
                "address": CONTRACT, "topics": topics, "data": "0x" + data.hex(), "blockNumber": hex(block.number),
                "blockHash": block.hash, "logIndex": hex(len(block.logs)), "transactionHash": tx_hash, "removed": False,
            })  # fmt: skip

    def _at(self, ref: Any) -> MinedBlock:
        if isinstance(ref, dict):
            for block in self.blocks:
                if block.hash == ref["blockHash"]:
                    return block
            raise RpcRefused("eth_call", -32001, "block not found")
        return self.head if ref == "latest" else self.blocks[int(ref, 16)]

    def _header(self, block: MinedBlock) -> dict[str, Any]:
        return {
            "number": hex(block.number), "hash": block.hash, "parentHash": block.parent,
            "timestamp": hex(block.timestamp), "baseFeePerGas": hex(block.base_fee),
            "gasLimit": hex(self.block_gas_limit),
            "transactions": sorted({*block.receipts, *(log["transactionHash"] for log in block.logs)}),
        }  # fmt: skip

    def _hash(self, number: int, parent: str) -> str:
        return "0x" + keccak(text=f"{self.name}/{number}/{parent}/{self._salt}").hex()


class BatchingChain(FakeChain):
    """Takes several calls in one request; `requests` counts them. It may refuse that, or lose the answer."""

    requests = 0
    takes_batches = True
    lose_batches = 0

    def many(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """As `HttpTransport.many`."""
        self.requests += 1
        if not self.takes_batches:
            raise RpcRefused(calls[0][0], -32600, "batches are not supported")
        outcomes: list[Any] = []
        for method, params in calls:
            try:
                outcomes.append(self.call(method, params))
            except RpcRefused as refused:
                outcomes.append(refused)
        if self.lose_batches and calls[0][0] == "eth_sendRawTransaction":
            self.lose_batches -= 1
            raise RpcTimeout(calls[0][0], 1.0)
        return outcomes


def _raw(value: Any) -> Any:
    """Hex of 32 bytes as bytes; addresses and plain values stay."""
    return bytes.fromhex(value[2:]) if isinstance(value, str) and value.startswith("0x") and len(value) == 66 else value


def decode_raw(raw: str, sender: str) -> Pooled:
    """The fields of a signed EIP-1559 transaction."""
    body = bytes.fromhex(raw[2:])
    fields: Any = rlp.decode(body[1:])
    numbers = [int.from_bytes(part, "big") for part in fields[:5]]
    _, nonce, tip, max_fee, gas = numbers
    to, data = "0x" + fields[5].hex(), "0x" + fields[7].hex()
    return Pooled("0x" + keccak(body).hex(), sender, nonce, max_fee, tip, gas, to, data)
