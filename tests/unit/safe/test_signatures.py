"""Signatures: each of the forms that a Safe takes, in its order, and nothing else."""

from __future__ import annotations

import pytest
from eth_account import Account as EthAccount
from eth_account.messages import encode_defunct

from lab.coordinator import role_account
from lab.safe.signatures import Signature, SignatureRefused, approval, merged, packed, read_signature, signature_from
from tests.unit.real_safes import raw_signature

HASH = "0x" + "77" * 32
OWNERS = [role_account(role) for role in ("owner", "operator", "user")]
FIRST, SECOND, _ = OWNERS


def prefixed(digest: str = HASH) -> str:
    """As `eth_sign` signs it."""
    return "0x" + bytes(EthAccount.sign_message(encode_defunct(hexstr=digest), FIRST.key).signature).hex()


@pytest.mark.parametrize("shift", [0, -27])
def test_a_wallet_ends_it_with_27_or_with_0(shift: int) -> None:
    """Both are kept as 27 or 28."""
    raw = bytes.fromhex(raw_signature(FIRST, HASH)[2:])
    given = signature_from((raw[:64] + bytes([raw[64] + shift])).hex(), HASH, FIRST.address)
    assert (given.owner, given.kind, given.signature[-2:]) == (FIRST.address, "ecdsa", f"{raw[64]:02x}")
    given.check(HASH)


def test_a_device_that_signs_the_prefixed_hash() -> None:
    """It counts as eth_sign, which a Safe knows by 4 more in the last byte."""
    given = signature_from(prefixed(), HASH, FIRST.address)
    assert (given.kind, int(given.signature[-2:], 16) in (31, 32)) == ("eth_sign", True)
    assert read_signature(given.signature, HASH) == given


@pytest.mark.parametrize(
    "text", [raw_signature(SECOND, HASH), raw_signature(FIRST, "0x" + "78" * 32), prefixed("0x12")]
)
def test_the_signature_of_another_or_of_something_else(text: str) -> None:
    """Named, and not added."""
    with pytest.raises(SignatureRefused, match=rf"expected the signature of {FIRST.address} .*got one of 0x"):
        signature_from(text, HASH, FIRST.address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "65 bytes"),
        ("0x12", "65 bytes"),
        ("hello", "65 bytes"),
        ("00" * 65, r"EIP-1271\) are not supported.*approveHash"),
        ("11" * 64 + "02", "ends with 27, 28, 31, 32 or 1"),
        ("ff" * 64 + "1b", "nobody can have signed"),
        ("11" * 64 + "01", "ends with 27"),
    ],
)
def test_what_is_no_signature(text: str, expected: str) -> None:
    """Said in words."""
    with pytest.raises(SignatureRefused, match=expected):
        read_signature(text, HASH)


def test_an_approval_names_its_owner() -> None:
    """The owner's address, and 1 at the end."""
    given = approval(FIRST.address)
    assert given.signature == "0x" + "00" * 12 + FIRST.address[2:] + "00" * 32 + "01"
    assert read_signature(given.signature, HASH) == given
    given.check(HASH)


def test_order_and_merging() -> None:
    """Ascending by owner, one of each; a signature takes the place of an approval."""
    given = [signature_from(raw_signature(one, HASH), HASH, one.address) for one in OWNERS]
    backwards = tuple(reversed(given))
    ordered = sorted(given, key=lambda one: one.owner)
    assert packed(backwards).hex() == "".join(one.signature[2:] for one in ordered)
    assert merged([approval(FIRST.address)], backwards, given) == tuple(ordered)


def test_a_signature_under_another_name() -> None:
    """Whoever claims it: the bytes decide."""
    false = Signature(owner=SECOND.address, kind="ecdsa", signature=raw_signature(FIRST, HASH))
    with pytest.raises(SignatureRefused, match="made for something else, or changed"):
        false.check(HASH)
