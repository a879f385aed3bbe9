"""A thin client of one coordinator on one chain: buffer, resolve, execute, and wait for what becomes of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import BlockNumber, HexStr
from web3 import HTTPProvider, Web3
from web3.exceptions import TransactionNotFound
from web3.types import FilterParams

from lab.bounded_files import read_object
from lab.coordinator import Codec, StateNumbering
from lab.errors import DeadlineExceeded, UsageError
from lab.model.chain.facts import CoreState
from lab.model.contract.names import ContractNames
from lab.model.session import Session
from lab.sdk.records import Mined, Network, NeverReady, Request, Resolution
from lab.sdk.sending import Sender

BUFFER_BATCH_MAX, ID_BATCH_MAX = 32, 64
TAG_BLOCKS = 64
DEFAULT_NETWORK = Network()
Value = TypeVar("Value")


@cache
def reference_abi() -> list[dict[str, Any]]:
    """The ABI of the reference contract, as the compiler wrote it."""
    abi: list[dict[str, Any]] = json.loads(Path(__file__).with_name("abi.json").read_text(encoding="utf-8"))
    return abi


class Coordinator:
    """One contract on one chain, called by one account, which must be an operator for everything but reading.

    A resolve that fails does not revert: its transaction has status 1. `resolve` and `failure_reason` read the event
    that says so; a client that looks at the status takes an expired transaction for a ready one.

    Times are in seconds, fees in wei. Every wait has a deadline and raises DeadlineExceeded with the last state seen.
    Calls that the contract refuses raise Reverted before anything is sent. A node that cannot be reached raises what
    web3 raises for it.
    """

    def __init__(
        self,
        web3: Web3,
        address: str,
        account: LocalAccount,
        *,
        codec: Codec | None = None,
        states: StateNumbering | None = None,
        network: Network = DEFAULT_NETWORK,
    ) -> None:
        """`codec` and `states` describe a contract that is not the reference."""
        self.codec = codec or Codec(reference_abi(), ContractNames())
        self.states = states or StateNumbering.of_abi(self.codec.abi)
        self.network = network
        self._sender = Sender(web3, address, account, self.codec, network.min_tip_wei)
        self._eth = web3.eth

    @classmethod
    def from_session(
        cls, path: Path | str, chain: str, role: str = "operator", account: LocalAccount | None = None
    ) -> Coordinator:
        """The coordinator on a chain of `session.json`, which `lab up` and `lab live session` write.

        The account is that of the role, by the session's own keys, unless one is given. Raises UsageError for an
        unknown chain or role, OSError for a file that cannot be read.
        """
        session = Session.read(Path(path))
        if chain not in session.chains:
            raise UsageError(f"{path}: expected a chain of {', '.join(session.chains)}, got {chain!r}")
        facts = session.chains[chain]
        if account is None:
            keys = read_object(Path(session.key_file))
            if role not in keys:
                raise UsageError(f"{session.key_file}: expected a role of {', '.join(keys)}, got {role!r}")
            account = Account.from_key(keys[role])
        web3 = Web3(HTTPProvider(facts.rpc_url, request_kwargs={"timeout": session.rpc_timeout_ms / 1000}))
        return cls(
            web3,
            facts.contract,
            account,
            codec=Codec.of(session),
            states=StateNumbering(session.state_numbering),
            network=Network(
                facts.finality, facts.block_time_ms / 1000, facts.start_block, facts.min_tip_wei, facts.rollup
            ),
        )

    @property
    def rollup(self) -> str:
        """The address that stands for this chain inside the contracts."""
        return self.network.rollup

    def now(self) -> int:
        """The timestamp of the newest block, Unix seconds: what the contract compares timestamps with."""
        return int(self._eth.get_block("latest")["timestamp"])

    def soon(self, blocks: int = 2) -> int:
        """A timestamp, Unix seconds, that is not yet past when a request of now is mined within so many blocks.

        By the newest block and this machine's clock, since some networks mine no block while nobody sends anything.
        """
        return math.ceil(max(self.now(), time.time()) + blocks * self.network.block_time_s)

    @property
    def final_after_s(self) -> float:
        """About how long a block takes to be final, in seconds. For a tag: 64 blocks, since only the node knows."""
        policy = self.network.finality
        if policy.seconds is not None:
            return policy.seconds
        return (TAG_BLOCKS if policy.blocks is None else policy.blocks) * self.network.block_time_s

    def state(self, tx_id: str) -> CoreState:
        """EMPTY, BUFFERED, READY, EXECUTED or, where the contract has it, EXPIRED."""
        return self.states.name(self._sender.read("get_transaction_state", tx_id)[0])

    def timestamp(self, tx_id: str) -> int:
        """From when the transaction may become READY, Unix seconds; 0 for an unknown one."""
        return int(self._sender.read("get_transaction_details", tx_id)[3])

    def ids(self) -> list[str]:
        """The ids of all transactions that were buffered here, oldest first, as 0x hex."""
        query = FilterParams(address=self._sender.address, fromBlock=BlockNumber(self.network.start_block))
        events = map(self._sender.decoded, self._eth.get_logs(query))
        return [str(event.args["tx_id"]) for event in events if event and event.event == "TransactionBuffered"]

    def buffer(self, request: Request, timeout_s: float = 60) -> Mined:
        """Buffer one transaction and wait until it is in a block."""
        return self._sender.send("buffer_transaction", request.arguments, timeout_s)

    def buffer_batch(self, requests: Sequence[Request], timeout_s: float = 60) -> Mined:
        """Buffer up to 32 transactions, all or none. Raises UsageError for more, or for a contract without batches."""
        self._limit("buffer_batch", len(requests), BUFFER_BATCH_MAX)
        return self._sender.send("buffer_batch", [[tuple(request.arguments) for request in requests]], timeout_s)

    def resolve(self, tx_id: str, timeout_s: float = 60) -> Resolution:
        """Try to make a transaction READY. Look at the result's `ready`: the call succeeds either way."""
        return _resolution(tx_id, self._sender.send("resolve_dependency", [tx_id], timeout_s))

    def resolve_batch(self, tx_ids: Sequence[str], timeout_s: float = 60) -> list[Resolution]:
        """Try up to 64, parents before children. Shorter than what was given where an expiry tripped the breaker."""
        self._limit("resolve_batch", len(tx_ids), ID_BATCH_MAX)
        mined = self._sender.send("resolve_batch", [list(tx_ids)], timeout_s)
        answered = {event.args.get("tx_id") for event in mined.events}
        return [_resolution(tx_id, mined) for tx_id in tx_ids if tx_id.lower() in answered]

    def execute(self, tx_id: str, timeout_s: float = 60) -> Mined:
        """Record that a READY transaction was executed. The contract emits nothing for it."""
        return self._sender.send("mark_executed", [tx_id], timeout_s)

    def execute_batch(self, tx_ids: Sequence[str], timeout_s: float = 60) -> Mined:
        """Record up to 64 executions, all or none. Raises UsageError for more, or for a contract without batches."""
        self._limit("execute_batch", len(tx_ids), ID_BATCH_MAX)
        return self._sender.send("execute_batch", [list(tx_ids)], timeout_s)

    def expire(self, tx_id: str, timeout_s: float = 60) -> Mined:
        """End a transaction whose time is over. Raises UsageError for a contract without this function."""
        self._limit("expire_transaction", 1, 1)
        return self._sender.send("expire_transaction", [tx_id], timeout_s)

    def failure_reason(self, tx_id: str) -> str | None:
        """The reason of a transaction's last TransactionFailed; None where there was none."""
        place = self._sender.codec.logs.topic_of("TransactionFailed", "tx_id")
        topics = [*[None] * place, HexStr(tx_id)] if place is not None else [None]
        query = FilterParams(
            address=self._sender.address, fromBlock=BlockNumber(self.network.start_block), topics=topics
        )
        events = map(self._sender.decoded, self._eth.get_logs(query))
        failures = [event.args for event in events if event and event.event == "TransactionFailed"]
        reasons = [str(args["reason"]) for args in failures if args["tx_id"] == tx_id.lower()]
        return reasons[-1] if reasons else None

    def wait_ready(self, tx_id: str, timeout_s: float = 120, poll_s: float = 0.5) -> CoreState:
        """Wait until somebody, as a rule the relayer, has made it READY or already executed it.

        Raises NeverReady once it ended or its window is over, DeadlineExceeded after `timeout_s`.
        """
        state: CoreState = "EMPTY"

        def seen() -> CoreState | None:
            nonlocal state
            state = self.state(tx_id)
            if state == "EXPIRED" or (state == "BUFFERED" and self._window_over(tx_id)):
                raise NeverReady(tx_id, self.failure_reason(tx_id))
            return state if state in ("READY", "EXECUTED") else None

        return _wait(seen, lambda: f"{tx_id} to become READY; it is {state}", timeout_s, poll_s)

    def wait_executed(self, tx_id: str, timeout_s: float = 120, poll_s: float = 0.5) -> CoreState:
        """Wait until it is EXECUTED. Raises as `wait_ready` does."""
        self.wait_ready(tx_id, timeout_s, poll_s)

        def seen() -> CoreState | None:
            state = self.state(tx_id)
            if state == "EXPIRED":
                raise NeverReady(tx_id, self.failure_reason(tx_id))
            return state if state == "EXECUTED" else None

        return _wait(seen, lambda: f"{tx_id} to be EXECUTED; it is {self.state(tx_id)}", timeout_s, poll_s)

    def wait_final(self, mined: Mined, timeout_s: float = 900, poll_s: float = 0.5) -> Mined:
        """Wait until a transaction's block is final by the chain's policy, and return it as it is then.

        A reorg may have moved it to another block. Raises DeadlineExceeded, also for one that is gone for good.
        """
        now = mined

        def seen() -> Mined | None:
            nonlocal now
            try:
                now = self._sender.mined(self._eth.get_transaction_receipt(HexStr(mined.hash)))
            except TransactionNotFound:
                return None
            return now if self._is_final(now.block) else None

        return _wait(
            seen, lambda: f"{mined.hash} in block {now.block} to be final ({self.network.finality})", timeout_s, poll_s
        )

    def _is_final(self, block: int) -> bool:
        policy = self.network.finality
        if policy.tag is not None:
            return int(self._eth.get_block(policy.tag)["number"]) >= block
        head = self._eth.get_block("latest")
        if policy.blocks is not None:
            return int(head["number"]) >= block + policy.blocks
        assert policy.seconds is not None
        # A chain that mines no empty blocks has an old head; its time goes on all the same.
        now = max(time.time(), head["timestamp"])
        return bool(now >= self._eth.get_block(block)["timestamp"] + policy.seconds)

    def _window_over(self, tx_id: str) -> bool:
        return self.now() > self.timestamp(tx_id) + int(self._sender.read("coordination_window")[0])

    def _limit(self, function: str, count: int, most: int) -> None:
        if not self.codec.has(function):
            raise UsageError(f"the contract has no {function}: call the single function for each transaction")
        if not 0 < count <= most:
            raise UsageError(f"{function}: expected 1 to {most} transactions, got {count}")


def _resolution(tx_id: str, mined: Mined) -> Resolution:
    for event in mined.events:
        if event.args.get("tx_id") == tx_id.lower() and event.event in ("TransactionReady", "TransactionFailed"):
            return Resolution(tx_id, event.event == "TransactionReady", event.args.get("reason"), mined)
    return Resolution(tx_id, False, "the contract emitted neither TransactionReady nor TransactionFailed", mined)


def _wait(seen: Callable[[], Value | None], what: Callable[[], str], timeout_s: float, poll_s: float) -> Value:
    """Ask until there is an answer. Raises DeadlineExceeded with what was last seen."""
    deadline = time.monotonic() + timeout_s
    while (value := seen()) is None:
        if time.monotonic() >= deadline:
            raise DeadlineExceeded(f"within {timeout_s:g} s expected {what()}")
        time.sleep(poll_s)
    return value
