"""Signatures: by eth-keys' pure Python as well, byte for byte; who signed; and what is none."""

from __future__ import annotations

import subprocess

import pytest
from eth_keys.backends.native.main import NativeECCBackend
from eth_keys.datatypes import PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.chains.processes.python_child import python_command
from lab.secp256k1 import address_of, sign, signer_of

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEYS = st.one_of(st.sampled_from([1, 2, ORDER - 1]), st.integers(1, ORDER - 1)).map(lambda key: key.to_bytes(32, "big"))


@settings(max_examples=15, deadline=None)
@given(key=KEYS, digest=st.binary(min_size=32, max_size=32))
def test_as_pure_python_has_it(key: bytes, digest: bytes) -> None:
    """RFC 6979 leaves nothing to chance: two implementations agree on each byte."""
    other = PrivateKey(key, backend=NativeECCBackend())
    signature = sign(key, digest)
    assert signature == other.sign_msg_hash(digest).to_bytes()
    assert address_of(key) == other.public_key.to_address() == signer_of(digest, signature)


def test_the_other_parity_is_somebody_else() -> None:
    """So is another digest."""
    signature = sign(b"\x01" * 32, b"\x02" * 32)
    flipped = signature[:64] + bytes((1 - signature[64],))
    assert address_of(b"\x01" * 32) not in (signer_of(b"\x02" * 32, flipped), signer_of(b"\x03" * 32, signature))


@pytest.mark.parametrize("key", [bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32, b"\x01" * 31, b"", b"\x01" * 33])
def test_what_is_no_key(key: bytes) -> None:
    """Zero, the order of the group and beyond, other lengths."""
    with pytest.raises(ValueError, match="Invalid argument"):
        address_of(key)
    with pytest.raises(ValueError, match="Invalid argument"):
        sign(key, bytes(32))


@pytest.mark.parametrize("digest", [b"", bytes(31), bytes(33)])
def test_what_is_no_digest(digest: bytes) -> None:
    """Anything but 32 bytes."""
    with pytest.raises(ValueError, match="Invalid argument"):
        sign(b"\x01" * 32, digest)
    with pytest.raises(ValueError, match="Invalid argument"):
        signer_of(digest, b"\x01" * 64 + b"\0")


@pytest.mark.parametrize(
    "signature",
    [b"", bytes(64), bytes(66), bytes(65), b"\xff" * 64 + b"\0", b"\x01" * 64 + b"\x02", b"\x01" * 64 + b"\x1b"],
)
def test_what_is_no_signature(signature: bytes) -> None:
    """Other lengths and parities, r and s of zero and beyond the order."""
    with pytest.raises(ValueError, match=r"expected 65 bytes|Invalid argument"):
        signer_of(b"\x02" * 32, signature)


@pytest.mark.parametrize(
    "script",
    [
        "import warnings; warnings.simplefilter('error'); import lab.secp256k1",
        "import warnings, lab.secp256k1; warnings.simplefilter('always')",
        # As pytest does around each test: the interpreter goes on with the filters of the last warning.
        "import warnings, lab.secp256k1\nwith warnings.catch_warnings(record=True):\n"
        "    warnings.simplefilter('always')\n    warnings.warn('another')",
    ],
)
def test_its_bindings_warn_of_nothing(script: str) -> None:
    """Neither when they are loaded, which would end a run with `filterwarnings = error`, nor when the process ends."""
    done = subprocess.run(python_command("-c", script), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
