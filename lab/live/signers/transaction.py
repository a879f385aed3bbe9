"""A transaction to be signed, and the one check that every signer's answer goes through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import rlp
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from rlp.sedes import Binary, CountableList, List, big_endian_int

from lab.coordinator import Fees
from lab.errors import LabError
from lab.secp256k1 import signer_of

TYPE_2 = 2
_ACCESS = CountableList(List([Binary.fixed_length(20), CountableList(Binary.fixed_length(32))]))
_LAYOUT = (
    ("chain id", big_endian_int),
    ("nonce", big_endian_int),
    ("maxPriorityFeePerGas", big_endian_int),
    ("maxFeePerGas", big_endian_int),
    ("gas", big_endian_int),
    ("target", Binary.fixed_length(20, allow_empty=True)),
    ("value", big_endian_int),
    ("data", Binary()),
    ("access list", _ACCESS),
    ("v", big_endian_int),
    ("r", big_endian_int),
    ("s", big_endian_int),
)
RAW_BYTES_MAX = 1 << 20
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


class SignerFailure(LabError):
    """A signer refused, is not there, or answered with something else than what it was asked to sign."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Unsigned:
    """An EIP-1559 transaction; amounts in wei, `to` None creates a contract."""

    chain_id: int
    nonce: int
    to: str | None
    data: str = field(repr=False)
    gas: int
    fees: Fees
    value: int = 0

    def fields(self) -> dict[str, Any]:
        """As JSON-RPC names and writes them; an address with its checksum, without which clef warns and refuses."""
        to = {} if self.to is None else {"to": to_checksum_address(self.to)}
        return {
            **to,
            "chainId": hex(self.chain_id),
            "nonce": hex(self.nonce),
            "gas": hex(self.gas),
            "maxFeePerGas": hex(self.fees.max_fee_per_gas),
            "maxPriorityFeePerGas": hex(self.fees.max_priority_fee_per_gas),
            "value": hex(self.value),
            "data": self.data,
        }

    def wanted(self) -> dict[str, Any]:
        """What each field of the signed form must be."""
        return {
            "chain id": self.chain_id,
            "nonce": self.nonce,
            "maxPriorityFeePerGas": self.fees.max_priority_fee_per_gas,
            "maxFeePerGas": self.fees.max_fee_per_gas,
            "gas": self.gas,
            "target": bytes.fromhex((self.to or "").removeprefix("0x")),
            "value": self.value,
            "data": bytes.fromhex(self.data.removeprefix("0x")),
            "access list": (),
        }


@dataclass(frozen=True, slots=True)
class Signed:
    """A raw transaction and its hash, both 0x hex."""

    raw: str
    hash: str


class Signer(Protocol):
    """Whoever holds the deployer's key. `described` says where, fit to be shown."""

    address: str
    described: str

    def sign(self, transaction: Unsigned) -> Signed:
        """Raises SignerFailure."""
        ...


def checked(raw: Any, transaction: Unsigned, signer: str, described: str) -> Signed:
    """The answer of a signer, if it is exactly what was asked and signed by `signer`. Raises SignerFailure."""
    payload = _bytes(raw, described)
    if payload[0] != TYPE_2:
        raise SignerFailure(f"{described}: expected a transaction of type 2, got type {payload[0]}: refused, not sent")
    try:
        items = rlp.decode(payload[1:], List([kind for _, kind in _LAYOUT]))
        given = dict(zip((name for name, _ in _LAYOUT), items, strict=True))
        unsigned = keccak(payload[:1] + rlp.encode(list(items[:9]), List([kind for _, kind in _LAYOUT[:9]])))
        signature = given["r"].to_bytes(32, "big") + given["s"].to_bytes(32, "big") + bytes([given["v"]])
        sender = signer_of(unsigned, signature)
    except (ValueError, OverflowError, rlp.exceptions.RLPException) as error:
        raise SignerFailure(f"{described}: expected a signed transaction, got one that cannot be read") from error
    for name, value in transaction.wanted().items():
        if given[name] != value:
            raise SignerFailure(
                f"{described}: expected {name} {_shown(value)}, it signed {_shown(given[name])}: refused, not sent"
            )
    if sender != signer.lower():
        raise SignerFailure(f"{described}: expected the signature of {signer}, got that of {sender}: refused, not sent")
    if given["s"] > _HALF_ORDER:
        raise SignerFailure(f"{described}: expected a signature that networks take (low s, EIP-2), got a high one")
    return Signed("0x" + payload.hex(), "0x" + keccak(payload).hex())


def data_of(raw: str) -> str:
    """The call data of a raw transaction that was checked when it was signed, as 0x hex."""
    items = rlp.decode(bytes.fromhex(raw.removeprefix("0x"))[1:], List([kind for _, kind in _LAYOUT]))
    data: bytes = items[[name for name, _ in _LAYOUT].index("data")]
    return "0x" + data.hex()


def _bytes(raw: Any, described: str) -> bytes:
    text = raw.strip() if isinstance(raw, str) else ""
    try:
        payload = bytes.fromhex(text.removeprefix("0x")) if len(text) <= 2 * RAW_BYTES_MAX else b""
    except ValueError:
        payload = b""
    if not payload:
        raise SignerFailure(f"{described}: expected a raw transaction as 0x hex, got something else")
    return payload


def _shown(value: Any) -> str:
    text = "0x" + value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text) // 2 - 1} bytes)"
