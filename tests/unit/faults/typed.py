"""Signed transactions of every type that a relayer may send, for the tests of what carries them."""

from __future__ import annotations

import hashlib
from typing import Any

import rlp
from eth_account import Account as EthAccount

from lab.coordinator import role_account

TYPES = ("legacy", "unprotected", "access list", "dynamic fee", "set code")
# For the L1 only.
BLOB = "blob"
BLOB_BYTES = 131_072
# Commitment and proof of a blob of zeros (EIP-4844): making them takes seconds.
INFINITY = b"\xc0" + bytes(47)
GWEI = 10**9


def raw_of(
    kind: str, *, chain_id: int, to: str, data: str = "0x", nonce: int = 0, gwei: int = 100, role: str = "relayer"
) -> str:
    """A raw transaction. `gwei` is its gas price, or both its fees; `unprotected` is legacy before EIP-155."""
    account = EthAccount.from_key(role_account(role).key)
    fields: dict[str, Any] = {
        "nonce": nonce,
        "gas": 900_000,
        "to": bytes.fromhex(to[2:]),
        "value": 0,
        "data": data,
        "chainId": chain_id,
    }
    if kind == "unprotected":
        del fields["chainId"]
    if kind in ("legacy", "unprotected", "access list"):
        fields["gasPrice"] = gwei * GWEI
    else:
        fields |= {"maxFeePerGas": gwei * GWEI, "maxPriorityFeePerGas": gwei * GWEI}
    if kind == "access list":
        fields |= {"type": 1, "accessList": [{"address": "0x" + "33" * 20, "storageKeys": []}]}
    if kind == "set code":
        grant = EthAccount.from_key("0x" + "77" * 32).sign_authorization(
            {"chainId": chain_id, "address": "0x" + "33" * 20, "nonce": 0}
        )
        fields |= {"type": 4, "authorizationList": [grant], "accessList": []}
    if kind != BLOB:
        return "0x" + bytes(account.sign_transaction(fields).raw_transaction).hex()
    hashes = [b"\x01" + hashlib.sha256(INFINITY).digest()[1:]]
    fields |= {"type": 3, "accessList": [], "maxFeePerBlobGas": GWEI, "blobVersionedHashes": hashes}
    body = rlp.decode(bytes(account.sign_transaction(fields).raw_transaction)[1:])
    return "0x03" + bytes(rlp.encode([body, [bytes(BLOB_BYTES)], [INFINITY], [INFINITY]])).hex()
