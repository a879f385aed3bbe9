"""Typed data to be signed (EIP-712), and the one check that every signer's answer goes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from lab.live.signers.transaction import SignerFailure
from lab.safe.signatures import SignatureRefused, recover, signature_bytes


@dataclass(frozen=True, slots=True)
class TypedData:
    """The document of `eth_signTypedData_v4`, and the hash that it comes to, 0x hex."""

    document: dict[str, Any]
    hash: str


class TypedDataSigner(Protocol):
    """Whoever holds an owner's key. `described` says where, fit to be shown."""

    @property
    def address(self) -> str: ...

    @property
    def described(self) -> str: ...

    def sign_typed_data(self, typed: TypedData) -> str:
        """65 bytes that end with 27 or 28, 0x hex. Raises SignerFailure."""
        ...


def checked_signature(answer: Any, typed: TypedData, signer: str, described: str) -> str:
    """The answer of a signer, if it is the signature of `signer` for that hash. Raises SignerFailure."""
    try:
        raw = signature_bytes(answer)
        # Wallets end a signature with 0 or 1 as well.
        raw = raw[:64] + bytes([raw[64] + 27 if raw[64] < 2 else raw[64]])
        if raw[64] not in (27, 28):
            raise SignatureRefused(f"expected a signature that ends with 27 or 28, got {raw[64]}")
        actual = recover(raw, bytes.fromhex(typed.hash[2:]))
    except SignatureRefused as error:
        raise SignerFailure(f"{described}: {error}: refused") from error
    if actual != signer.lower():
        raise SignerFailure(
            f"{described}: expected the signature of {signer} for {typed.hash}, got one of {actual}: another account "
            "signed, or something else was signed: refused"
        )
    return "0x" + raw.hex()
