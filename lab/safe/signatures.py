"""Signatures of a Safe transaction: 65 bytes each, in ascending order of their owners.

The last byte says what it is: 27 or 28 for a signature of the hash, 31 or 32 for one by `eth_sign` (of the hash with
its prefix), 1 for an owner who approved the hash on the chain. Signatures of contracts (0, EIP-1271) are not supported:
such an owner approves the hash on the chain instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from eth_utils.crypto import keccak
from pydantic import Field

from lab.errors import LabError
from lab.model.frozen import Frozen
from lab.safe.transaction import Address
from lab.secp256k1 import signer_of

Kind = Literal["ecdsa", "eth_sign", "approved"]
_PREFIX = b"\x19Ethereum Signed Message:\n32"
BYTES = 65


class SignatureRefused(LabError):
    """A signature that is none, or not by whom it should be."""

    exit_code = 1


class Signature(Frozen):
    """One owner's consent. `signature` is 65 bytes as the Safe takes them, 0x hex."""

    owner: Address
    kind: Kind
    signature: str = Field(pattern=r"^0x[0-9a-f]{130}$")

    def check(self, safe_tx_hash: str) -> None:
        """Raises SignatureRefused unless it is by its owner, of this hash; an approval only the chain can confirm."""
        if self == approval(self.owner):
            return
        actual = read_signature(self.signature, safe_tx_hash)
        if actual != self:
            raise SignatureRefused(
                f"expected a signature of {self.owner} ({self.kind}) for {safe_tx_hash}, got one of {actual.owner} "
                f"({actual.kind}): it was made for something else, or changed; ask that owner to sign this proposal"
            )


def recover(signature: bytes, digest: bytes) -> str:
    """Who signed, in lower case; `signature` ends with 27 or 28. Raises SignatureRefused."""
    try:
        return signer_of(digest, signature[:64] + bytes([signature[64] - 27]))
    except ValueError as error:
        raise SignatureRefused("expected a signature, got bytes that nobody can have signed") from error


def read_signature(text: str, safe_tx_hash: str) -> Signature:
    """A signature in the form that a Safe takes. Raises SignatureRefused for anything else."""
    raw = signature_bytes(text)
    digest, v = bytes.fromhex(safe_tx_hash.removeprefix("0x")), raw[64]
    if v in (27, 28):
        return Signature(owner=recover(raw, digest), kind="ecdsa", signature="0x" + raw.hex())
    if v in (31, 32):
        owner = recover(raw[:64] + bytes([v - 4]), keccak(_PREFIX + digest))
        return Signature(owner=owner, kind="eth_sign", signature="0x" + raw.hex())
    if v == 1:
        approved = approval("0x" + raw[12:32].hex())
        if approved.signature == "0x" + raw.hex():
            return approved
    if v == 0:
        raise SignatureRefused(
            "signatures of contracts (EIP-1271) are not supported: let that owner call approveHash"
            f"({safe_tx_hash}) on the Safe, which counts as its signature"
        )
    raise SignatureRefused(f"expected a signature that ends with 27, 28, 31, 32 or 1, got one that ends with {v}")


def signature_from(text: str, safe_tx_hash: str, owner: str) -> Signature:
    """What a wallet answered, as the Safe takes it, if it is the signature of `owner`. Raises SignatureRefused.

    Wallets end a signature with 0 or 1 as well as 27 or 28, and some can only sign the prefixed hash (`eth_sign`).
    """
    raw = signature_bytes(text)
    last = raw[64] + 27 if raw[64] in (0, 1) else raw[64]
    forms = (last, last + 4) if last in (27, 28) else (last,)
    given = [read_signature("0x" + (raw[:64] + bytes([form])).hex(), safe_tx_hash) for form in forms]
    for signature in given:
        if signature.owner == owner.lower():
            return signature
    raise SignatureRefused(
        f"expected the signature of {owner} for {safe_tx_hash}, got one of {given[0].owner}: another account signed, "
        "or something else was signed; nothing was added"
    )


def approval(owner: str) -> Signature:
    """The form that stands for an approval on the chain. Anybody can write it: it counts once the chain confirms it."""
    raw = bytes(12) + bytes.fromhex(owner.removeprefix("0x")) + bytes(32) + b"\x01"
    return Signature(owner=owner, kind="approved", signature="0x" + raw.hex())


def packed(signatures: Iterable[Signature]) -> bytes:
    """As `execTransaction` takes them: ascending by owner."""
    ordered = sorted(signatures, key=lambda one: int(one.owner, 16))
    return b"".join(bytes.fromhex(one.signature[2:]) for one in ordered)


def merged(*given: Sequence[Signature]) -> tuple[Signature, ...]:
    """One signature for each owner, ascending; the first counts, but for an approval a signature is preferred."""
    chosen: dict[str, Signature] = {}
    for signature in (one for several in given for one in several):
        known = chosen.get(signature.owner)
        if known is None or (known.kind == "approved" and signature.kind != "approved"):
            chosen[signature.owner] = signature
    return tuple(sorted(chosen.values(), key=lambda one: int(one.owner, 16)))


def signature_bytes(text: object) -> bytes:
    """Raises SignatureRefused for anything but 65 bytes of hex."""
    try:
        raw = bytes.fromhex(text.strip().removeprefix("0x")) if isinstance(text, str) and len(text) < 1000 else b""
    except ValueError:
        raw = b""
    if len(raw) != BYTES:
        raise SignatureRefused(f"expected a signature of {BYTES} bytes as hex, got {len(raw) or 'something else'}")
    return raw
