"""Reads of a coordinator through its public getters, with states by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from lab.coordinator.codec import Codec
from lab.coordinator.documented import STORED, result_names, same_types
from lab.coordinator.overloads import fields_of, types_of
from lab.coordinator.states import StateNumbering
from lab.coordinator.values import state_number
from lab.model.chain.facts import CoreState, StoredTransaction
from lab.rpc import Rpc
from lab.rpc.client import BlockRef, call_request
from lab.rpc.prefetch import Request

ZERO_ID = "0x" + "00" * 32


def named_places(codec: Codec) -> dict[str, int]:
    """Where each field of a stored transaction stands among the values of `transactions`, as far as names say so.

    By `lab.yaml`, which may describe the same function as the details; by the fields' own names; a payload under any
    name is the only field of bytes.
    """
    entry, given = codec.functions.get("transactions"), codec.names.returns
    if entry is None:
        return {}
    fields = fields_of(entry["outputs"])
    if "transactions" in given:
        return {name: place for place, name in enumerate(name for name in STORED if name in given["transactions"])}
    shared = entry is codec.functions.get("get_transaction_details")
    declared = given.get("get_transaction_details", ()) if shared else ()
    names = declared or tuple(str(field.get("name")) for field in fields)
    places = {name: names.index(name) for name in STORED if name in names}
    of_bytes = [place for place, field in enumerate(fields) if field["type"] == "bytes"]
    if len(of_bytes) == 1:
        places.setdefault("payload", of_bytes[0])
    return {name: places[name] for name in STORED if name in places}


def stored_places(codec: Codec) -> dict[str, int]:
    """The same, and by position where the types are as documented and the names say nothing."""
    places = named_places(codec)
    entry = codec.functions.get("transactions")
    if entry is None or not set(places) <= {"payload"}:
        return places
    by_position = same_types(list(STORED.values()), types_of(fields_of(entry["outputs"])))
    return {name: place for place, name in enumerate(STORED)} if by_position else places


def stored_fields(places: Mapping[str, int], values: Sequence[Any]) -> dict[str, Any]:
    """What `transactions` returned, by documented names. Raises IndexError where it returned less."""
    struct = len(values) == 1 and isinstance(values[0], (dict, list))
    only = values[0] if struct else values
    flat = list(only.values()) if isinstance(only, dict) else only
    return {name: state_number(flat[place]) if name == "state" else flat[place] for name, place in places.items()}


def fields_read(getter: str, places: Mapping[str, int]) -> list[str]:
    """The fields of a stored transaction that a getter returns; `places` are those of `transactions`."""
    there = places if getter == "transactions" else result_names(getter)
    return [field for field in STORED if field in there]


class Reader:
    """One contract on one chain. Every method raises an RpcFailure, or ValueError for an answer of another shape."""

    def __init__(self, rpc: Rpc, codec: Codec, address: str, numbering: StateNumbering) -> None:
        self.rpc, self.codec, self.address, self.numbering = rpc, codec, address, numbering

    def get(self, function: str, *args: Any, block: BlockRef | dict[str, Any] = "latest") -> Any:
        """Any view: one value, or a list where the function returns several. ValueError without such a function."""
        values = self._values(function, *args, block=block)
        return values[0] if len(values) == 1 else values

    def _values(self, function: str, *args: Any, block: BlockRef | dict[str, Any] = "latest") -> list[Any]:
        if not self.codec.has(function):
            raise ValueError(f"the contract has no function {function}")
        data = self.codec.encode(function, args)
        return self.codec.decode_result(function, self.rpc.eth_call(self.address, data, block=block))

    def asking(self, function: str, *args: Any) -> Request:
        """The request for a view at the head. ValueError without such a function."""
        if not self.codec.has(function):
            raise ValueError(f"the contract has no function {function}")
        return call_request(self.address, self.codec.encode(function, args))

    def requests(self, function: str, tx_id: str, *, block: BlockRef | dict[str, Any] = "latest") -> list[Request]:
        """What a getter of a transaction asks for, to be asked ahead: nothing where the contract has none."""
        if not self.codec.has(function):
            return []
        return [call_request(self.address, self.codec.encode(function, (tx_id,)), block=block)]

    def state(self, tx_id: str, *, block: BlockRef | dict[str, Any] = "latest") -> CoreState:
        """The state of a transaction by name."""
        return self.numbering.name(self.get("get_transaction_state", tx_id, block=block))

    def roles(self, account: str, *, block: BlockRef | dict[str, Any] = "latest") -> dict[str, bool]:
        """Which roles an account holds: the operator's, and second ones of which the contract says so."""
        asked = {"operator": "authorized_operators"} | self.codec.role_getters
        return {name: bool(self.get(getter, account, block=block)) for name, getter in asked.items()}

    def transaction(self, tx_id: str, *, block: BlockRef | dict[str, Any] = "latest") -> StoredTransaction:
        """A stored transaction; EMPTY with zero fields for one that the contract does not know."""
        origin, target, dependency, timestamp, raw_state = self.get("get_transaction_details", tx_id, block=block)
        payload = self.payload(tx_id, block=block)
        return self._stored(tx_id, (origin, target, payload, dependency, timestamp, raw_state))

    @cached_property
    def _places(self) -> dict[str, int]:
        return named_places(self.codec)

    @property
    def has_whole(self) -> bool:
        """Whether `transactions` alone says all that `transaction` does."""
        return len(self._places) == len(STORED)

    def whole(self, tx_id: str, *, block: BlockRef | dict[str, Any] = "latest") -> StoredTransaction:
        """The same as `transaction` in one call, where `has_whole`."""
        fields = stored_fields(self._places, self._values("transactions", tx_id, block=block))
        return self._stored(tx_id, [fields[name] for name in STORED])

    def _stored(self, tx_id: str, values: Sequence[Any]) -> StoredTransaction:
        """Of the fields that STORED lists."""
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
        if "payload" not in self._places:
            return None
        values = self._values("transactions", tx_id, block=block)
        return str(stored_fields(self._places, values)["payload"])
