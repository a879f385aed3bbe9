"""Raw transactions of every type that networks know: sender, nonce, fees and call, read from the signed bytes.

What cannot be read here may still be one that a node takes; then it is what the node says that it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rlp
from eth_utils.crypto import keccak

# The first byte of an RLP list, which a legacy transaction is; lower ones are types (EIP-2718).
LIST_PREFIX = 0xC0
BLOB_TYPE = 3
SIGNATURE_FIELDS = 3
# Legacy signatures: 27 or 28 before EIP-155, from 35 on with the chain's number in them.
PROTECTED_V = 35


@dataclass(frozen=True, slots=True)
class Sent:
    """A raw transaction, as far as the lab needs it.

    One with a gas price alone (types 0 and 1) offers it as both its fees, as the networks' own pools count it.
    """

    hash: str
    sender: str
    nonce: int
    to: str
    data: str
    max_fee_per_gas: int
    max_priority_fee_per_gas: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the fields of a type stand in its list."""

    fields: int
    nonce: int
    tip: int
    fee: int
    to: int


_LEGACY = _Layout(fields=9, nonce=0, tip=1, fee=1, to=3)
_TYPED = {
    1: _Layout(fields=11, nonce=1, tip=2, fee=2, to=4),
    2: _Layout(fields=12, nonce=1, tip=2, fee=3, to=5),
    BLOB_TYPE: _Layout(fields=14, nonce=1, tip=2, fee=3, to=5),
    4: _Layout(fields=13, nonce=1, tip=2, fee=3, to=5),
}


def payload_of(raw: Any) -> bytes | None:
    """The bytes of a raw transaction; None for what is no text of hex digits."""
    if not isinstance(raw, str) or raw[:2].lower() != "0x":
        return None
    try:
        return bytes.fromhex(raw[2:]) or None
    except ValueError:
        return None


def type_of(payload: bytes) -> int:
    """The type by its first byte, 0 for legacy."""
    return 0 if payload[0] >= LIST_PREFIX else payload[0]


def decode_raw(raw: Any) -> Sent | None:
    """What is in a raw transaction; None for what cannot be read."""
    payload = payload_of(raw)
    if payload is None:
        return None
    try:
        return _decoded(payload)
    except Exception:  # RLP and the signature's curve raise errors of many kinds for foreign bytes
        return None


def _decoded(payload: bytes) -> Sent:
    kind = type_of(payload)
    layout = _TYPED[kind] if kind else _LEGACY
    items = rlp.decode(payload[1:] if kind else payload)
    if kind == BLOB_TYPE and isinstance(items[0], list):
        # As it travels, with the blobs beside it, which neither hash nor signature covers.
        items = items[0]
    if len(items) != layout.fields:
        raise ValueError(f"expected {layout.fields} fields, got {len(items)}")
    prefix = bytes([kind]) if kind else b""
    signed, (v, *_) = items[:-SIGNATURE_FIELDS], (int.from_bytes(item) for item in items[-SIGNATURE_FIELDS:])
    parity = v
    if not kind and v >= PROTECTED_V:
        parity, signed = (v - PROTECTED_V) % 2, [*signed, (v - PROTECTED_V) // 2, b"", b""]
    elif not kind:
        parity = v - 27
    return Sent(
        hash="0x" + keccak(prefix + rlp.encode(items)).hex(),
        sender=_signer(keccak(prefix + rlp.encode(signed)), parity, *items[-2:]),
        nonce=int.from_bytes(items[layout.nonce]),
        to="0x" + items[layout.to].hex(),
        data="0x" + items[layout.to + 2].hex(),
        max_fee_per_gas=int.from_bytes(items[layout.fee]),
        max_priority_fee_per_gas=int.from_bytes(items[layout.tip]),
    )


def _signer(digest: bytes, parity: int, r: bytes, s: bytes) -> str:
    # Slow to import: only those who meet a transaction pay.
    from eth_keys.datatypes import Signature

    signature = Signature(vrs=(parity, int.from_bytes(r), int.from_bytes(s)))
    return signature.recover_public_key_from_msg_hash(digest).to_address()


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
    )


def _quantity(value: Any) -> int:
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        return 0
