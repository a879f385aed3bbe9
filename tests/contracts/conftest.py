"""One real anvil process per test session, the contract deployed once, every test on a snapshot of that state.

Block timestamps are set explicitly before each transaction, so no test depends on the wall clock. Transactions are sent
by anvil's unlocked development accounts; a revert reason is read from a replay of the very transaction that failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple, event_abi_to_log_topic, function_abi_to_4byte_selector
from eth_utils.address import to_checksum_address

from lab.deploy.compile import CompiledContract
from lab.paths import REFERENCE_CONTRACT
from lab.rpc import HttpTransport
from tests.bare_node import bare_node
from tests.compiling import compile_once

ROOT = Path(__file__).resolve().parents[2]
GENESIS = 1_800_000_000
START = GENESIS + 100
ROLES = ("owner", "operator", "relayer", "attacker", "operator2", "user", "newowner")
STATES = {1: "EMPTY", 2: "BUFFERED", 4: "READY", 8: "EXECUTED", 16: "EXPIRED"}
ORIGIN = to_checksum_address("0x" + "a1" * 20)
TARGET = to_checksum_address("0x" + "b2" * 20)
ZERO = to_checksum_address("0x" + "00" * 20)


class Rpc:
    """JSON-RPC over one kept connection."""

    def __init__(self, port: int) -> None:
        self._transport = HttpTransport(f"http://127.0.0.1:{port}", timeout_s=600)

    def __call__(self, method: str, *params: Any) -> Any:
        return self._transport.call(method, list(params))


@dataclass(frozen=True)
class Receipt:
    """What a transaction left behind; `events` are the contract's own, as (name, arguments) in order."""

    hash: str
    status: int
    gas: int
    events: list[tuple[str, dict[str, Any]]]
    contract: str | None


@dataclass
class Coordinator:
    """The deployed contract, called by role and function name. `now` is the timestamp of the next block."""

    rpc: Rpc
    compiled: CompiledContract
    accounts: dict[str, str]
    address: str = ""
    now: int = START
    head_time: int | None = None
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    topics: dict[str, dict[str, Any]] = field(default_factory=dict)

    origin = ORIGIN
    target = TARGET
    zero = ZERO
    nothing = bytes(32)

    def __post_init__(self) -> None:
        for entry in self.compiled.abi:
            if entry["type"] == "function":
                self.functions[entry["name"]] = entry
            elif entry["type"] == "event":
                self.topics["0x" + event_abi_to_log_topic(entry).hex()] = entry  # type: ignore[arg-type]

    def deploy(self) -> Receipt:
        receipt = self._transact("owner", None, self.compiled.bytecode)
        assert receipt.status == 1
        assert receipt.contract
        self.address = receipt.contract
        return receipt

    def send(self, role: str, function: str, *args: Any) -> Receipt:
        """Send a transaction that must succeed."""
        receipt = self._transact(role, self.address, self.calldata(function, args))
        assert receipt.status == 1, f"{function} by {role} reverted: {self._reason(receipt)!r}"
        return receipt

    def reverts(self, role: str, function: str, *args: Any) -> str:
        """Send a transaction that must revert; returns its reason, empty where there is none."""
        receipt = self._transact(role, self.address, self.calldata(function, args))
        assert receipt.status == 0, f"{function} by {role} succeeded"
        return self._reason(receipt)

    def call(self, function: str, *args: Any) -> Any:
        """Call a view in a block with the timestamp `now`; returns its value, or a tuple of them."""
        if self.head_time != self.now:
            self._mine()
        request = {"to": self.address, "data": self.calldata(function, args)}
        data = bytes.fromhex(self.rpc("eth_call", request, "latest")[2:])
        values = decode(_types(self.functions[function]["outputs"]), data)
        return values[0] if len(values) == 1 else values

    def id(self, number: int) -> bytes:
        """A transaction id."""
        return bytes([number]) * 32

    def request(self, number: int, **changes: Any) -> tuple[Any, ...]:
        """Valid arguments of buffer_transaction, in order, with the given ones replaced."""
        fields = {"tx_id": self.id(number), "origin_rollup": ORIGIN, "target_rollup": TARGET, "payload": b"",
                  "dependency_tx_id": bytes(32), "timestamp": self.now}  # fmt: skip
        assert changes.keys() <= fields.keys()
        return tuple((fields | changes).values())

    def buffer(self, number: int, *, after: int | None = None, **changes: Any) -> Receipt:
        if after is not None:
            changes["dependency_tx_id"] = self.id(after)
        return self.send("operator", "buffer_transaction", *self.request(number, **changes))

    def ready(self, number: int) -> None:
        """Buffer a transaction for now and make it ready."""
        self.buffer(number)
        self.send("operator", "resolve_dependency", self.id(number))
        assert self.state(number) == "READY"

    def state(self, number: int) -> str:
        return STATES[self.call("get_transaction_state", self.id(number))]

    def calldata(self, function: str, args: tuple[Any, ...]) -> str:
        """A call's data as hex."""
        entry = self.functions[function]
        return "0x" + (function_abi_to_4byte_selector(entry) + encode(_types(entry["inputs"]), args)).hex()  # type: ignore[arg-type]

    def _mine(self) -> None:
        self.rpc("evm_setNextBlockTimestamp", self.now)
        self.rpc("evm_mine")
        self.head_time = self.now

    def _transact(self, role: str, to: str | None, data: str) -> Receipt:
        request = {"from": self.accounts[role], "data": data, "gas": hex(16_000_000), "gasPrice": "0x0"}
        tx_hash = self.rpc("eth_sendTransaction", request | ({"to": to} if to else {}))
        self._mine()
        raw = self.rpc("eth_getTransactionReceipt", tx_hash)
        assert raw is not None, "the transaction was not mined"
        own = to or raw["contractAddress"]
        events = [self._event(log) for log in raw["logs"] if log["address"] == own]
        return Receipt(tx_hash, int(raw["status"], 16), int(raw["gasUsed"], 16), events, raw["contractAddress"])

    def _event(self, log: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        entry = self.topics[log["topics"][0]]
        indexed = [item for item in entry["inputs"] if item["indexed"]]
        plain = [item for item in entry["inputs"] if not item["indexed"]]
        found = {item["name"]: decode([item["type"]], bytes.fromhex(topic[2:]))[0]
                 for item, topic in zip(indexed, log["topics"][1:], strict=True)}  # fmt: skip
        values = decode(_types(plain), bytes.fromhex(log["data"][2:]))
        found |= {item["name"]: value for item, value in zip(plain, values, strict=True)}
        return entry["name"], {item["name"]: found[item["name"]] for item in entry["inputs"]}

    def _reason(self, receipt: Receipt) -> str:
        trace = self.rpc("debug_traceTransaction", receipt.hash, {"tracer": "callTracer"})
        output = bytes.fromhex(trace.get("output", "0x")[2:])
        if not output:
            return ""
        assert output[:4].hex() == "08c379a0", f"expected Error(string), got 0x{output.hex()}"
        reason: str = decode(["string"], output[4:])[0]
        return reason


def _types(items: list[dict[str, Any]]) -> list[str]:
    return [collapse_if_tuple(item) for item in items]


@pytest.fixture(scope="session")
def compiled() -> CompiledContract:
    """The reference contract."""
    return compile_once(REFERENCE_CONTRACT)


@pytest.fixture(scope="session")
def deployed(compiled: CompiledContract, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coordinator]:
    """The contract on a node of its own: deployed by the owner, `operator` added, nothing else done."""
    arguments = ["--timestamp", str(GENESIS), "--block-base-fee-per-gas", "0", "--hardfork", "prague", "--no-mining"]
    with bare_node(arguments, tmp_path_factory.mktemp("anvil") / "anvil.log") as port:
        rpc = Rpc(port)
        accounts: dict[str, str] = dict(zip(ROLES, map(to_checksum_address, rpc("eth_accounts")), strict=False))
        coordinator = Coordinator(rpc, compiled, accounts)
        coordinator.deploy()
        coordinator.send("owner", "add_operator", accounts["operator"])
        yield coordinator


@pytest.fixture
def coordinator(deployed: Coordinator) -> Iterator[Coordinator]:
    """The deployed contract, taken back to its first state after the test."""
    snapshot = deployed.rpc("evm_snapshot")
    yield deployed
    assert deployed.rpc("evm_revert", snapshot)
    deployed.now, deployed.head_time = START, None
