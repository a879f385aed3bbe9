"""Accounts and signatures against the libraries that everybody uses."""

from __future__ import annotations

import pytest
from eth_account import Account as EthAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from web3.types import Nonce
from web3.utils.address import get_create_address

from lab.coordinator import ROLES, Fees, created_address, role_account, rollup_address, sign_transaction
from lab.coordinator.accounts import MNEMONIC, PUBLIC_KEYS
from lab.faults.transport.raw_transaction import decode_raw
from lab.networks import BUILT_IN


@pytest.mark.parametrize("role", ROLES)
def test_roles_are_the_first_accounts_of_the_development_mnemonic(role: str) -> None:
    """Address and key, as every local node prints them."""
    EthAccount.enable_unaudited_hdwallet_features()
    derived = EthAccount.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{ROLES.index(role)}")
    account = role_account(role)
    assert (account.address, account.key) == (derived.address.lower(), bytes(derived.key))


def test_public_keys_are_the_ten_that_local_nodes_fund() -> None:
    """The first ten accounts of the development mnemonic."""
    EthAccount.enable_unaudited_hdwallet_features()
    derived = (EthAccount.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}") for number in range(10))
    assert {account.address.lower() for account in derived} == PUBLIC_KEYS


def test_every_role_is_another_account_and_its_key_fits() -> None:
    """No two roles share one."""
    accounts = [role_account(role) for role in ROLES]
    assert len({account.address for account in accounts}) == len(ROLES) == 7
    assert [EthAccount.from_key(account.key).address.lower() for account in accounts] == [a.address for a in accounts]


def test_a_key_does_not_show() -> None:
    """Neither in a repr nor in an error message made of one."""
    account = role_account("owner")
    assert account.key.hex() not in repr(account) + str(account) + f"{account}"


def test_an_unknown_role() -> None:
    """The known ones stand in the error."""
    with pytest.raises(KeyError, match="expected one of owner, operator"):
        role_account("admin")


@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**64 - 2))
def test_created_addresses_are_web3s(creator: bytes, nonce: int) -> None:
    """For any creator and nonce, with or without checksum."""
    address = "0x" + creator.hex()
    expected = str(get_create_address(to_checksum_address(address), Nonce(nonce))).lower()
    assert created_address(address, nonce) == created_address(to_checksum_address(address), nonce) == expected


def test_rollup_addresses_differ_by_name() -> None:
    """Twenty bytes in lower case, the same in every run."""
    addresses = [rollup_address(name) for name in (*BUILT_IN, "two", "elsewhere")]
    assert len(set(addresses)) == len(addresses)
    assert all(len(address) == 42 and address == address.lower() for address in addresses)
    assert rollup_address("two") == "0x" + keccak(text="tesseract-lab rollup two")[12:].hex()


@settings(max_examples=30)
@given(
    st.sampled_from(ROLES), st.integers(1, 2**53), st.integers(0, 2**32), st.binary(max_size=64),
    st.integers(0, 10**15), st.integers(0, 10**15), st.booleans(),
)  # fmt: skip
def test_the_sender_can_be_recovered(
    role: str, chain_id: int, nonce: int, data: bytes, max_fee: int, tip: int, creates: bool
) -> None:
    """The hash is that of the bytes, and the signature is the role's, for calls and creations alike."""
    raw, tx_hash = sign_transaction(
        role_account(role),
        chain_id=chain_id,
        nonce=nonce,
        to=None if creates else "0x" + "ab" * 20,
        data="0x" + data.hex(),
        gas=21_000,
        fees=Fees(max_fee, tip),
    )
    assert tx_hash == "0x" + keccak(bytes.fromhex(raw[2:])).hex()
    assert str(EthAccount.recover_transaction(raw)).lower() == role_account(role).address


def test_a_signature_is_the_same_every_time() -> None:
    """Determinism of a run rests on it."""

    def signed() -> tuple[str, str]:
        return sign_transaction(role_account("user"), chain_id=1, nonce=0, to=None, data="0x", gas=1, fees=Fees(1, 1))

    assert signed() == signed()


@given(st.integers(0, 10**20), st.integers(0, 10**20), st.integers(0, 1000))
def test_a_bump_is_enough(max_fee: int, tip: int, percent: int) -> None:
    """At least the percentage, rounded up: a pool that compares exactly takes it."""
    bumped = Fees(max_fee, tip).bumped(percent)
    assert bumped.max_fee_per_gas * 100 >= max_fee * (100 + percent)
    assert bumped.max_priority_fee_per_gas * 100 >= tip * (100 + percent)
    assert bumped.max_fee_per_gas <= max_fee * (100 + percent) / 100 + 10**6


def test_a_tip_above_the_fee_is_cut_to_it() -> None:
    """Nodes refuse a tip above the maximum fee."""
    raw, _ = sign_transaction(role_account("user"), chain_id=1, nonce=0, to=None, data="0x", gas=1, fees=Fees(5, 9))
    sent = decode_raw(raw)
    assert sent is not None
    assert (sent.max_fee_per_gas, sent.max_priority_fee_per_gas) == (5, 5)
