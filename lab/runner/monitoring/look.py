"""A run's monitor looks at one chain over the lab's own connection, and asks the node for as little as it can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_utils.crypto import keccak

from lab.chains.chain import Chain
from lab.rpc import HttpTransport, RpcRefused, Transport
from lab.rpc.forwarded import CODE, answers, forwardable, forwarded
from lab.rpc.prefetch import Request

BATCH_BLOCKS = 20
TAGS = ("latest", "safe", "finalized")
BLOCK, LOGS = "eth_getBlockByNumber", "eth_getLogs"
BLOCK_RECEIPTS, RECEIPT = "eth_getBlockReceipts", "eth_getTransactionReceipt"
Json = dict[str, Any]


class Look:
    """A transport which sees a chain as of now.

    As nothing moves meanwhile, what was asked of the head at the last moment is asked again in one request, the
    contract's views in one call; code is asked for where its hash is new. Blocks and receipts are those that the lab
    was shown when they were mined, if hashes lead to them from the head; other blocks come many at a time.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._kept = chain.producer.kept = {}
        self._receipts_kept = chain.observer.receipts = {}
        self._transport: Transport | None = None
        self._outcomes: dict[str, Any] = {}
        self._asked: dict[str, Request] = {}
        self._blocks: dict[int, Json] = {}
        self._receipts: dict[int, list[Json]] = {}
        self._by_hash: dict[str, Json] = {}
        self._forwards = True
        self._alone: dict[str, bool] = {}
        # By its hash; that of an account that does not exist is 0.
        self._codes = {"0x" + "00" * 32: "0x"}

    def begin(self) -> None:
        """Forget what an earlier moment showed."""
        self._transport, self._outcomes = None, {}
        self._blocks, self._receipts, self._by_hash = {}, {}, {}

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        transport = self._transport or self._connected()
        if self._blocks and (shown := self._shown(method, params)) is not None:
            return shown
        key = f"{method}{params}"
        if any(tag in params for tag in TAGS):
            self._asked[key] = method, params
        elif method == BLOCK and key not in self._outcomes:
            self._fetch(transport, params)
        outcome = self._outcomes[key] if key in self._outcomes else transport.call(method, params, timeout_s)
        if isinstance(outcome, RpcRefused):
            raise outcome
        if method == BLOCK and params[0] == "latest" and isinstance(outcome, dict):
            self._recall(outcome)
        elif method == CODE and key not in self._outcomes:
            self._codes["0x" + keccak(hexstr=outcome).hex()] = outcome
        return outcome

    def _connected(self) -> Transport:
        """The chain as of now, asked what it was asked before. Raises an RpcFailure."""
        # Nothing that is asked shows in the block to come.
        transport = self._chain.look(pending=False).transport
        if isinstance(transport, HttpTransport) and self._asked:
            self._ask_again(transport)
        self._transport, self._asked = transport, {}
        return transport

    def _ask_again(self, transport: HttpTransport) -> None:
        together = {key: asked for key, asked in self._asked.items() if self._may_forward(key, asked)}
        others = {key: asked for key, asked in self._asked.items() if key not in together}
        requests = list(together.values())
        outcomes = transport.many([*others.values(), *([forwarded(requests)] if requests else [])])
        self._outcomes |= zip(others, outcomes, strict=False)
        if not requests:
            return
        replies = None if isinstance(outcomes[-1], RpcRefused) else answers(requests, outcomes[-1])
        if replies is None:
            self._forwards = False
            self._ask(transport, together)
            return
        for (key, (method, _)), reply in zip(together.items(), replies, strict=True):
            answer = self._codes.get(reply or "") if method == CODE else reply
            if answer is not None:
                self._outcomes[key] = answer
            # What is refused is asked by itself from now on: the node's own words say why.
            self._alone[key] = reply is None

    def _may_forward(self, key: str, asked: Request) -> bool:
        if key not in self._alone:
            self._alone[key] = not forwardable(asked)
        return self._forwards and not self._alone[key]

    def _shown(self, method: str, params: list[Any]) -> Any:
        """What the lab was shown before; None where that is not known."""
        if method == BLOCK and params[0][:2] == "0x":
            block = self._blocks.get(int(params[0], 16))
            if block is None or params[1] or not block["transactions"]:
                return block
            return {**block, "transactions": [tx["hash"] for tx in block["transactions"]]}
        if method == LOGS and params[0].keys() == {"address", "fromBlock", "toBlock"}:
            return self._logs(params[0])
        if method == BLOCK_RECEIPTS and params[0][:2] == "0x":
            return self._receipts.get(int(params[0], 16))
        return self._by_hash.get(params[0]) if method == RECEIPT else None

    def _logs(self, query: Mapping[str, str]) -> list[Json] | None:
        numbers = range(int(query["fromBlock"], 16), int(query["toBlock"], 16) + 1)
        if any(number not in self._receipts for number in numbers):
            return None
        logs = [log for number in numbers for receipt in self._receipts[number] for log in receipt["logs"]]
        return [log for log in logs if log["address"].lower() == query["address"].lower()]

    def _recall(self, head: Json) -> None:
        number, block_hash = int(head["number"], 16), head["hash"]
        while (block := self._kept.get(number)) is not None and block["hash"] == block_hash:
            self._blocks[number] = block
            receipts = self._receipts_kept.get(block_hash) if block["transactions"] else []
            if receipts is not None:
                self._receipts[number] = receipts
                self._by_hash |= {receipt["transactionHash"]: receipt for receipt in receipts}
            number, block_hash = number - 1, block["parentHash"]
        for older in [known for known in self._kept if known < int(head["number"], 16)]:
            del self._kept[older]
        self._receipts_kept.clear()

    def _fetch(self, transport: Transport, params: list[Any]) -> None:
        """A block, and those behind it that are not known."""
        first, last = int(params[0], 16), self._chain.producer.head.number
        numbers = range(first + 1, min(first + BATCH_BLOCKS, last + 1))
        behind = [[hex(number), True] for number in numbers if number not in self._blocks]
        behind = [block for block in behind if f"{BLOCK}{block}" not in self._outcomes]
        if isinstance(transport, HttpTransport) and behind:
            self._ask(transport, {f"{BLOCK}{block}": (BLOCK, block) for block in (params, *behind)})

    def _ask(self, transport: HttpTransport, requests: Mapping[str, Request]) -> None:
        self._outcomes |= zip(requests, transport.many(list(requests.values())), strict=True)
