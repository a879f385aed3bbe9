"""Signatures of Ethereum over 32 bytes, by libsecp256k1 (of wallycore, which has releases for every Python).

A signature is 65 bytes: r, s, and the parity 0 or 1 that tells whose it is. It is deterministic (RFC 6979) with a low s
(EIP-2), so the same key and digest give the same bytes everywhere.
"""

from __future__ import annotations

import atexit
import warnings

from eth_utils.crypto import keccak

# Of the tool that makes its bindings; it would end a pytest run with `filterwarnings = error`.
_NOISE = "builtin type swigvarlink has no __module__ attribute"


def _say_nothing() -> None:
    warnings.filterwarnings("ignore", _NOISE.replace("swigvarlink", r"\w+"), DeprecationWarning)


def _say_nothing_at_exit() -> None:
    """The last one comes when the process ends, under the filters that the interpreter met last: let it meet these."""
    _say_nothing()
    warnings.warn(_NOISE, DeprecationWarning, stacklevel=1)


with warnings.catch_warnings():
    _say_nothing()
    import wallycore
atexit.register(_say_nothing_at_exit)

SIGNATURE_BYTES = 65
_RECOVERABLE = wallycore.EC_FLAG_ECDSA | wallycore.EC_FLAG_RECOVERABLE
# In front of a recoverable signature there, for a compressed key: 27 + 4 + parity, as Bitcoin signs messages.
_COMPACT = 31


def sign(key: bytes, digest: bytes) -> bytes:
    """Sign 32 bytes. Raises ValueError for a key that is none, or a digest of another length."""
    compact = wallycore.ec_sig_from_bytes(key, digest, _RECOVERABLE)
    return bytes(compact[1:]) + bytes((compact[0] - _COMPACT,))


def address_of(key: bytes) -> str:
    """The address of a private key, 0x hex in lower case. Raises ValueError for a key that is none."""
    return _address(wallycore.ec_public_key_from_private_key(key))


def signer_of(digest: bytes, signature: bytes) -> str:
    """The address that signed 32 bytes, 0x hex in lower case. Raises ValueError for a signature that is none."""
    if len(signature) != SIGNATURE_BYTES or signature[64] not in (0, 1):
        raise ValueError(
            f"expected {SIGNATURE_BYTES} bytes that end with a parity of 0 or 1, got {len(signature)} that end with "
            f"{signature[-1:].hex() or 'nothing'}"
        )
    return _address(wallycore.ec_sig_to_public_key(digest, bytes((_COMPACT + signature[64],)) + signature[:64]))


def _address(compressed: bytes) -> str:
    public = wallycore.ec_public_key_decompress(compressed)
    return "0x" + keccak(bytes(public[1:]))[12:].hex()
