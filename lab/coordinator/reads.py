"""Reads of a coordinator through its public getters, with states by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from lab.coordinator.codec import Codec
from lab.coordinator.overloads import fields_of
from lab.coordinator.states import StateNumbering
from lab.model.chain.facts import CoreState, StoredTransaction
from lab.rpc import Rpc
from lab.rpc.client import BlockRef, call_request
from lab.rpc.prefetch import Request

ZERO_ID = "0x" + "00" * 32
WHOLE = ("origin_rollup", "target_rollup", "payload", "dependency_tx_id", "timestamp", "state")


class Reader:
    """One contract on one chain. Every method raises an RpcFailure, or ValueError for an answer of another shape."""

    def __init__(self, rpc: Rpc, codec: Codec, address: str, numbering: StateNumbering) -> None:
        self.rpc, self.codec, self.address, self.numbering = rpc, codec, address, numbering

    def get(self, function: str, *args: Any, block: BlockRef | dict[str, Any] = "latest") -> Any:
        """Any view: one value, or a list where the function returns several. ValueError without such a function."""
        if not self.codec.has(function):
            raise ValueError(f"the contract has no function {function}")
        values = self.codec.decode_result(
            function, self.rpc.eth_call(self.address, self.codec.encode(function, args), block=block)
        )
        return values[0] if len(values) == 1 else values

    def requests(self, function: str, tx_id: str, *, block: BlockRef | dict[str, Any] = "latest") -> list[Request]:
        """What a getter of a transaction asks for, to be asked ahead: nothing where the contract has none."""
        if not self.codec.has(function):
            return []
        return [call_request(self.address, self.codec.encode(function, (tx_id,)), block=block)]

    def state(self, tx_id: str, *, block: BlockRef | dict[str, Any] = "latest") -> CoreState:
        """The state of a transaction by name."""
        return self.numbering.name(self.get("get_transaction_state", tx_id, block=block))

    def transaction(self, tx_id: str, *, block: BlockRef | dict[str, Any] = "latest") -> StoredTransaction:
        """A stored transaction; EMPTY with zero fields for one that the contract does not know."""
        origin, target, dependency, timestamp, raw_state = self.get("get_transaction_details", tx_id, block=block)
        payload = self.payload(tx_id, block=block)
        return self._stored(tx_id, (origin, target, payload, dependency, timestamp, raw_state))

    @cached_property
    def has_whole(self) -> bool:
        """Whether `transactions` alone says all that `transaction` does."""
        entry = self.codec.functions.get("transactions")
        names = [] if entry is None else [str(output.get("name")) for output in fields_of(entry["outputs"])]
        return set(WHOLE) <= set(names) and not self.codec.names.returns.get("transactions")

    def whole(self, tx_id: str, *, block: BlockRef | dict[str, Any] = "latest") -> StoredTransaction:
        """The same as `transaction` in one call, where `has_whole`."""
        outputs = fields_of(self.codec.functions["transactions"]["outputs"])
        values = self.get("transactions", tx_id, block=block)
        fields = dict(zip((str(output["name"]) for output in outputs), values, strict=True))
        return self._stored(tx_id, [fields[name] for name in WHOLE])

    def _stored(self, tx_id: str, values: Sequence[Any]) -> StoredTransaction:
        """Of the fields that WHOLE lists."""
        origin, target, payload, dependency, timestamp, raw_state = values
        return StoredTransaction(
            tx_id=tx_id,
            state=self.numbering.name(raw_state),
            raw_state=raw_state,
            origin=origin,
            target=target,
            payload=payload,
            dependency=dependency,
            timestamp=timestamp,
        )

    def payload(self, tx_id: str, *, block: BlockRef | dict[str, Any] = "latest") -> str | None:
        """The stored payload by the public `transactions` getter, by its name or its type; None without one."""
        entry = self.codec.functions.get("transactions")
        if entry is None:
            return None
        outputs = fields_of(entry["outputs"])
        values = self.get("transactions", tx_id, block=block)
        named = [place for place, output in enumerate(outputs) if output.get("name") == "payload"]
        # Under another name it is the only field of bytes.
        alike = named or [place for place, output in enumerate(outputs) if output["type"] == "bytes"]
        return values[alike[0]] if len(alike) == 1 else None
