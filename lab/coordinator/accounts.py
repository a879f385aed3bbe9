"""Accounts are roles. Their keys derive from the development mnemonic that every local node knows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import rlp
from eth_account import Account as EthAccount
from eth_utils.crypto import keccak

# The well-known mnemonic of local development nodes: public, so never to hold value on a live network.
MNEMONIC = "test test test test test test test test test test test junk"
ROLES = ("owner", "operator", "relayer", "attacker", "operator2", "user", "newowner")
OPERATOR_ROLES = ("operator", "operator2", "relayer")


@dataclass(frozen=True, slots=True)
class Account:
    """A role's address (lower case) and private key (32 bytes). The key never shows in a repr."""

    role: str
    address: str
    key: bytes

    def __repr__(self) -> str:
        return f"Account({self.role}, {self.address})"


@lru_cache(maxsize=64)
def _derive(index: int) -> tuple[str, bytes]:
    EthAccount.enable_unaudited_hdwallet_features()
    account = EthAccount.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return account.address.lower(), bytes(account.key)


def role_account(role: str) -> Account:
    """The account of a role. Raises KeyError for an unknown one."""
    if role not in ROLES:
        raise KeyError(f"expected one of {', '.join(ROLES)}, got {role!r}")
    address, key = _derive(ROLES.index(role))
    return Account(role, address, key)


def created_address(creator: str, nonce: int) -> str:
    """The address of the contract that an account's transaction of this nonce creates."""
    return "0x" + keccak(rlp.encode([bytes.fromhex(creator.removeprefix("0x")), nonce]))[12:].hex()


def rollup_address(chain: str) -> str:
    """The address that stands for a chain inside the contracts: the same in every run."""
    return "0x" + keccak(text=f"tesseract-lab rollup {chain}")[12:].hex()
