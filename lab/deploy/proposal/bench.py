"""A node on which a contract is tried out: every question to it is a call, and every trial can be taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError, EncodingError

from lab.coordinator import role_account
from lab.coordinator.accounts import created_address
from lab.coordinator.outputs.logs import decoded_values
from lab.coordinator.outputs.reverts import selector_of
from lab.coordinator.overloads import Entry, fields_of, signature_of, types_of
from lab.coordinator.values import constant, wire
from lab.model.contract.names import Slot
from lab.rpc import Rpc, RpcFailure, RpcRefused

OWNER, OPERATOR, STRANGER, HEIR = (role_account(role).address for role in ("owner", "operator", "attacker", "newowner"))
GAS, DEPLOY_GAS = 3_000_000, 12_000_000
ETHER = 10**18


@dataclass(frozen=True)
class Use:
    """A function of the contract and what the lab gives it: documented arguments by name, constants for others."""

    entry: Entry = field(compare=False)
    slots: tuple[Slot, ...]
    signature: str = ""

    @classmethod
    def of(cls, entry: Entry, *given: str | Slot) -> Use:
        """Documented names as they are, other values as slots."""
        slots = tuple(Slot(parameter=one) if isinstance(one, str) else one for one in given)
        return cls(entry, slots, signature_of(entry))

    @property
    def name(self) -> str:
        return str(self.entry["name"])

    @property
    def constants(self) -> list[Any]:
        """Its constants."""
        return [slot.value for slot in self.slots if slot.parameter is None]

    @property
    def arguments(self) -> list[Any]:
        """As `lab.yaml` writes them."""
        return [
            slot.parameter if slot.parameter is not None else {"bits" if slot.bits else "value": slot.value}
            for slot in self.slots
        ]

    def agrees(self, other: Use | None) -> bool:
        """Whether it gives arguments of the same names the same constants."""
        return other is not None and any(pair in other._named for pair in self._named)

    @property
    def _named(self) -> list[tuple[str, str, Any]]:
        pairs = zip(self.entry["inputs"], self.slots, strict=True)
        return [(one["name"], one["type"], slot.value) for one, slot in pairs if slot.parameter is None]

    def data(self, values: Mapping[str, Any]) -> str:
        """The call's data. Raises ValueError for values that have no room in the contract's types."""
        kinds = types_of(self.entry["inputs"])
        given = [
            values[slot.parameter] if slot.parameter is not None else constant(kind, slot.value)
            for kind, slot in zip(kinds, self.slots, strict=True)
        ]
        try:
            body = encode(kinds, [wire(kind, value) for kind, value in zip(kinds, given, strict=True)])
        except EncodingError as error:
            raise ValueError(f"expected ({', '.join(kinds)}), got {given}") from error
        return selector_of(self.signature) + body.hex()

    def __str__(self) -> str:
        given = [slot.parameter if slot.parameter is not None else str(slot.value).lower() for slot in self.slots]
        return f"{self.name}({', '.join(given)})" if self.constants else self.name


@dataclass(frozen=True)
class Outcome:
    """What came of a call: its logs as they are, or the data with which it reverted."""

    done: bool
    data: str = "0x"
    logs: tuple[Mapping[str, Any], ...] = ()


@dataclass
class Bench:
    """The contract on a node that mines only when told to."""

    rpc: Rpc
    address: str
    now: int

    @classmethod
    def deployed(cls, rpc: Rpc, bytecode: str) -> Bench | None:
        """The contract, created by the owner; None where that fails."""
        head = rpc.block("latest")
        assert head is not None
        now = int(head["timestamp"], 16)
        bench = cls(rpc, created_address(OWNER, rpc.nonce(OWNER)), now)
        outcome = bench._sent({"from": OWNER, "data": bytecode, "gas": hex(DEPLOY_GAS)})
        there = outcome.done and rpc.call("eth_getCode", bench.address, "latest") != "0x"
        return bench if there else None

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever happens inside is taken back."""
        kept, now = self.rpc.call("evm_snapshot"), self.now
        try:
            yield
        finally:
            self.rpc.call("evm_revert", kept)
            self.now = now

    def until(self, timestamp: int) -> None:
        """Blocks up to a time, some of them, for a contract that counts them."""
        for place in range(3, -1, -1):
            self._mine(max(self.now + 1, timestamp - place))

    def send(self, use: Use, sender: str, **values: Any) -> Outcome:
        """A transaction in a block of its own."""
        try:
            return self._sent(self._request(use, sender, values) | {"gas": hex(GAS)})
        except (ValueError, TypeError):
            return Outcome(False)

    def ask(self, use: Use, sender: str, **values: Any) -> Outcome:
        """The same without a trace. What the lab cannot encode for it was not done."""
        try:
            return Outcome(True, str(self.rpc.call("eth_call", self._request(use, sender, values), "latest")))
        except RpcRefused as error:
            return Outcome(False, str(error.data or "0x"))
        except (RpcFailure, ValueError, TypeError):
            return Outcome(False)

    def read(self, use: Use, **values: Any) -> list[Any] | None:
        """A view's results, those of a struct one by one; None where it gives none."""
        outcome = self.ask(use, OWNER, **values)
        outputs: Sequence[Entry] = use.entry.get("outputs", ())
        if not outcome.done:
            return None
        with suppress(DecodingError, ValueError, IndexError):  # a contract may return anything
            got = decoded_values(tuple(types_of(outputs)), bytes.fromhex(outcome.data[2:]))
            return list(got[0] if fields_of(outputs) is not outputs else got)
        return None

    def _request(self, use: Use, sender: str, values: Mapping[str, Any]) -> dict[str, str]:
        request = {"from": sender, "to": self.address, "data": use.data(values)}
        paid = values.get("paid", use.entry.get("stateMutability") == "payable")
        return request | ({"value": hex(ETHER)} if paid else {})

    def _sent(self, request: dict[str, str]) -> Outcome:
        try:
            tx_hash = self.rpc.call("eth_sendTransaction", request)
            self._mine(self.now + 1)
            receipt = self.rpc.receipt(tx_hash)
        except RpcRefused as error:
            return Outcome(False, str(error.data or "0x"))
        done = receipt is not None and receipt["status"] == "0x1"
        return Outcome(done, logs=tuple(receipt["logs"]) if done and receipt is not None else ())

    def _mine(self, timestamp: int) -> None:
        self.rpc.call("evm_setNextBlockTimestamp", timestamp)
        self.rpc.call("anvil_mine", 1)
        self.now = timestamp
