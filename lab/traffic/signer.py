"""Signs many transactions of one sender as `lab.coordinator.signing` signs one, several times faster.

The fields that stay the same are encoded once; what changes from one transaction to the next (nonce, tx_id) is spliced
in. One transaction costs about 60 microseconds, two thirds of it the signature and the two hashes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import rlp
from eth_utils.crypto import keccak

from lab.coordinator import Account
from lab.errors import EnvironmentFailure
from lab.secp256k1 import sign, signer_of

TYPE_2 = b"\x02"
_EMPTY_ACCESS_LIST = b"\xc0"
# The first Python for which coincurve has no release.
WITHOUT_COINCURVE = (3, 14)
# What is known of one key distinguishes a working library from one that only imports.
_KNOWN_KEY = bytes(31) + b"\x01"
_KNOWN_ADDRESS = "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"
_KNOWN_HASH = hashlib.sha256(b"tesseract-lab").digest()


@dataclass(frozen=True, slots=True)
class Template:
    """A transaction but for its nonce and the words of its call data that differ.

    `data` holds the call with zeros where a word is spliced in; `tx_id_at`, `dependency_at` and `timestamp_at` are
    byte offsets, the latter two None where the word is the same throughout.
    """

    chain_id: int
    to: str
    gas: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    data: bytes
    tx_id_at: int
    dependency_at: int | None = None
    timestamp_at: int | None = None


@dataclass(frozen=True, slots=True)
class SignJob:
    """All transactions of one sender on one chain; one timestamp each, where given.

    `from_zero` numbers the tx_ids from 0 whatever the nonces: so a child finds its parent's id on another chain.
    """

    template: Template
    salt: str
    sender: int
    first_nonce: int
    count: int
    dependency_salt: str | None = None
    timestamps: tuple[int, ...] = ()
    from_zero: bool = False

    def key(self) -> str:
        """A digest of all that goes into the signatures."""
        parts = dataclasses.asdict(self)
        parts["template"]["data"] = self.template.data.hex()
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

    def path(self, folder: Path) -> Path:
        return folder / f"{self.key()}.signed"


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A raw transaction and its hash."""

    nonce: int
    raw: bytes
    tx_hash: bytes


def tx_id(salt: str, sender: int, nonce: int) -> bytes:
    """The identifier that a sender's transaction of this nonce buffers: never the same twice under one salt."""
    return hashlib.sha256(f"{salt}/{sender}/{nonce}".encode()).digest()


def require_fast_backend() -> str:
    """The name of eth-keys' backend. Raises EnvironmentFailure where only pure Python is left, or libsecp256k1 fails.

    eth-keys, by which web3 and eth-account sign in a user's own locustfile, falls back silently; a load run would then
    measure the signer. On Python 3.14 it has nothing else, and the lab's own traffic does not sign by it.
    """
    try:
        signer = signer_of(_KNOWN_HASH, sign(_KNOWN_KEY, _KNOWN_HASH))
    except Exception as error:
        # A broken binary module fails in any way it likes.
        raise EnvironmentFailure(f"signing needs wallycore, which does not work here: {error!r}. {_FIX}") from error
    if signer != _KNOWN_ADDRESS:
        raise EnvironmentFailure(f"wallycore gave a signature of {signer}, expected one of {_KNOWN_ADDRESS}. {_FIX}")
    from eth_keys.main import KeyAPI

    backend = type(KeyAPI().backend).__name__
    if backend != "CoinCurveECCBackend" and sys.version_info < WITHOUT_COINCURVE:
        raise EnvironmentFailure(
            f"expected eth-keys to sign with CoinCurveECCBackend, got {backend}, which is some ten times slower: load "
            f"figures would be those of the signer. {_FIX}"
        )
    return backend


_FIX = "Install it into this environment (`make`), and leave ECC_BACKEND_CLASS unset."


def sign_run(account: Account, job: SignJob) -> Iterator[SignedTransaction]:
    """Sign all transactions of a job, nonces serial from its first."""
    template, shift = job.template, job.first_nonce if job.from_zero else 0
    data = bytearray(template.data)
    id_at, parent_at, time_at = template.tx_id_at, template.dependency_at, template.timestamp_at
    fees = (template.max_priority_fee_per_gas, template.max_fee_per_gas)
    fields = (*fees, template.gas, bytes.fromhex(template.to.removeprefix("0x")), 0)
    head = rlp.encode(template.chain_id)
    middle = b"".join(map(rlp.encode, fields)) + _length(len(data), 0x80)
    tail = _EMPTY_ACCESS_LIST
    fixed = len(head) + len(middle) + len(data) + len(tail)
    for number in range(job.count):
        nonce = job.first_nonce + number
        data[id_at : id_at + 32] = tx_id(job.salt, job.sender, nonce - shift)
        if parent_at is not None and job.dependency_salt is not None:
            data[parent_at : parent_at + 32] = tx_id(job.dependency_salt, job.sender, nonce - shift)
        if time_at is not None and job.timestamps:
            data[time_at : time_at + 32] = job.timestamps[number].to_bytes(32, "big")
        nonce_rlp = _integer(nonce)
        body = b"".join((head, nonce_rlp, middle, data, tail))
        unsigned = TYPE_2 + _length(fixed + len(nonce_rlp), 0xC0) + body
        signature = sign(account.key, keccak(unsigned))
        tied = _integer(signature[64]) + _scalar(signature[:32]) + _scalar(signature[32:64])
        raw = TYPE_2 + _length(fixed + len(nonce_rlp) + len(tied), 0xC0) + body + tied
        yield SignedTransaction(nonce, raw, keccak(raw))


def _length(size: int, base: int) -> bytes:
    """RLP's prefix of a text (base 0x80) or a list (0xc0)."""
    if size < 56:
        return bytes([base + size])
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(digits)]) + digits


def _integer(value: int) -> bytes:
    if value < 0x80:
        return bytes([value]) if value else b"\x80"
    digits = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([0x80 + len(digits)]) + digits


def _scalar(word: bytes) -> bytes:
    """Half of a signature as RLP's integer: without leading zeros. It is never below 0x80 in practice, but may be."""
    digits = word.lstrip(b"\0")
    if len(digits) == 1 and digits[0] < 0x80:
        return digits
    return bytes([0x80 + len(digits)]) + digits
