"""Reads a signed transaction of any type, by rlp and libsecp256k1.

eth-account would do, but costs each process a second of CPU to import: it prepares BLS pairings on the way. What cannot
be read here may still be one that a node takes; then it is what the node says that it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rlp
from eth_utils.crypto import keccak
from rlp.sedes import Binary, CountableList, List, big_endian_int

from lab.secp256k1 import signer_of

# The first byte of an RLP list, which a legacy transaction is; lower ones are types (EIP-2718).
LIST_PREFIX = 0xC0
BLOB_TYPE = 3

_ADDRESS = Binary.fixed_length(20)
_ACCESS_LIST = CountableList(List([_ADDRESS, CountableList(Binary.fixed_length(32))]))
_GRANTS = CountableList(List([big_endian_int, _ADDRESS, *[big_endian_int] * 4]))
_FIELDS: dict[str, Any] = {
    "chain_id": big_endian_int,
    "nonce": big_endian_int,
    "max_priority_fee": big_endian_int,
    "max_fee": big_endian_int,
    "gas_price": big_endian_int,
    "gas": big_endian_int,
    "to": Binary.fixed_length(20, allow_empty=True),
    "value": big_endian_int,
    "data": Binary(),
    "access_list": _ACCESS_LIST,
    "grants": _GRANTS,
    "max_blob_fee": big_endian_int,
    "blob_hashes": CountableList(Binary.fixed_length(32)),
    "v": big_endian_int,
    "r": big_endian_int,
    "s": big_endian_int,
}
# The fields of each type in their order: EIP-155, 2930, 1559, 4844, 7702.
_LAYOUTS = {
    0: "nonce gas_price gas to value data v r s",
    1: "chain_id nonce gas_price gas to value data access_list v r s",
    2: "chain_id nonce max_priority_fee max_fee gas to value data access_list v r s",
    3: "chain_id nonce max_priority_fee max_fee gas to value data access_list max_blob_fee blob_hashes v r s",
    4: "chain_id nonce max_priority_fee max_fee gas to value data access_list grants v r s",
}
LAYOUTS = {kind: layout.split() for kind, layout in _LAYOUTS.items()}
SEDES = {kind: List([_FIELDS[name] for name in layout]) for kind, layout in LAYOUTS.items()}


@dataclass(frozen=True, slots=True)
class Sent:
    """A raw transaction of any type, decoded as far as the lab needs it; addresses and hash as 0x hex in lower case.

    One with a gas price alone (types 0 and 1) offers it as both its fees, as the networks' own pools count it.
    """

    hash: str
    sender: str
    nonce: int
    to: str
    data: str
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    gas: int


def payload_of(raw: Any) -> bytes | None:
    """The bytes of a raw transaction; None for what is no text of hex digits."""
    try:
        return bytes.fromhex(raw.removeprefix("0x")) or None if isinstance(raw, str) else None
    except ValueError:
        return None


def type_of(payload: bytes) -> int:
    """The type by the first byte, 0 for legacy."""
    return 0 if payload[0] >= LIST_PREFIX else payload[0]


def decode_raw(raw: Any) -> Sent | None:
    """What is in a raw transaction, its signature checked; None for what cannot be read."""
    payload = payload_of(raw)
    try:
        return _decode(payload) if payload is not None else None
    except (ValueError, LookupError, rlp.exceptions.RLPException):
        return None


def as_the_node_has_it(transaction: Any, tx_hash: Any) -> Sent:
    """A transaction by a node's answer to `eth_getTransactionByHash`; empty but for its hash where there is none."""
    fields: Mapping[str, Any] = transaction if isinstance(transaction, dict) else {}
    price = fields.get("gasPrice")
    return Sent(
        hash=str(tx_hash),
        sender=str(fields.get("from") or "unknown").lower(),
        nonce=_quantity(fields.get("nonce")),
        to=str(fields.get("to") or "0x").lower(),
        data=str(fields.get("input") or "0x"),
        max_fee_per_gas=_quantity(fields.get("maxFeePerGas", price)),
        max_priority_fee_per_gas=_quantity(fields.get("maxPriorityFeePerGas", price)),
        gas=_quantity(fields.get("gas")),
    )


def _quantity(value: Any) -> int:
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        return 0


def _decode(payload: bytes) -> Sent:
    typed = payload[0] < LIST_PREFIX
    kind = payload[0] if typed else 0
    if typed and kind == 0:
        raise ValueError("a legacy transaction has no type in front")
    prefix = payload[:1] if typed else b""
    items = rlp.decode(payload[len(prefix) :])
    if kind == BLOB_TYPE and items and isinstance(items[0], list):
        # As it travels, with the blobs beside it, which neither hash nor signature covers.
        items = items[0]
        payload = prefix + rlp.encode(items)
    fields = dict(zip(LAYOUTS[kind], SEDES[kind].deserialize(items), strict=True))
    fee = fields.get("max_fee", fields.get("gas_price", 0))
    return Sent(
        hash="0x" + keccak(payload).hex(),
        sender=_signer(kind, prefix, fields),
        nonce=fields["nonce"],
        to="0x" + fields["to"].hex(),
        data="0x" + fields["data"].hex(),
        max_fee_per_gas=fee,
        max_priority_fee_per_gas=fields.get("max_priority_fee", fee),
        gas=fields["gas"],
    )


def _signer(kind: int, prefix: bytes, fields: dict[str, Any]) -> str:
    """The address that signed. Raises ValueError for a signature that is none."""
    unsigned = [fields[name] for name in LAYOUTS[kind][:-3]]
    sedes: list[Any] = [_FIELDS[name] for name in LAYOUTS[kind][:-3]]
    parity = fields["v"]
    if kind == 0:
        # EIP-155: 35 + 2 * chain id + parity; before it, 27 + parity.
        chain_id, parity = divmod(fields["v"] - 35, 2) if fields["v"] >= 35 else (None, fields["v"] - 27)
        if chain_id is not None:
            unsigned += [chain_id, 0, 0]
            sedes += [big_endian_int] * 3
    if parity not in (0, 1):
        raise ValueError(f"expected a signature's parity of 0 or 1, got {parity}")
    digest = keccak(prefix + rlp.encode(unsigned, List(sedes)))
    signature = fields["r"].to_bytes(32, "big") + fields["s"].to_bytes(32, "big") + bytes([parity])
    try:
        return signer_of(digest, signature)
    except ValueError as error:
        raise ValueError("the signature belongs to no key") from error
