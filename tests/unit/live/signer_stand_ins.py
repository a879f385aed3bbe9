"""Stand-ins of web3signer and clef on 127.0.0.1, written after what their sources check; eth-account signs for them.

web3signer: Consensys/web3signer at 3522fc8 (JsonRpcRoute, EthSignTransactionResultProvider, EthTransaction,
EthSignTypedDataResultProvider, ResponseCodeSelector). clef: ethereum/go-ethereum, signer/core/api.go, apitypes/types.go
and fourbyte/validation.go of the versions that have it. Each signs for one chain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from eth_account import Account as EthAccount
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address

from lab.coordinator import Account
from tests.unit.endpoints import Asked, endpoint

# No zeros in front, as hexutil.Uint64 and hexutil.Big have it.
QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")
NUMBERS = ("gas", "maxFeePerGas", "maxPriorityFeePerGas", "value", "nonce", "chainId")
Reply = tuple[int, dict[str, Any]]


def web3signer(account: Account, chain_id: int, *, node_knows: str = "") -> AbstractContextManager[str]:
    """Its URL. `node_knows`: a method that the node behind it signs by; without any the node is away."""

    def answer(call: dict[str, Any]) -> Reply:
        method, given = call["method"], call["params"]
        if method == "eth_signTransaction":
            # A chain id in the request is not looked at.
            fields = {name: int(given[0][name], 16) for name in NUMBERS if name not in ("chainId",)}
            if len(given) != 1 or given[0]["from"].lower() != account.address:
                return 200, error(-32000, "Signing from is not an unlocked account")
            return 200, {"result": signed(account, {**fields, "chainId": chain_id, **place(given[0])})["raw"]}
        if method == "eth_signTypedData" and given[0].lower() == account.address:
            return 200, {"result": typed(account, json.loads(given[1]) if isinstance(given[1], str) else given[1])}
        if method == node_knows:
            return 200, error(-32601, f"the method {method} does not exist/is not available")
        return 502, {}

    return served(answer)


def clef(account: Account, chain_id: int, *, advanced: bool = True) -> AbstractContextManager[str]:
    """Its URL. Without `advanced` it refuses what it has a warning for, as it does by itself."""

    def answer(call: dict[str, Any]) -> Reply:
        method, given = call["method"], call["params"]
        if method == "account_signTypedData":
            return 200, {"result": typed(account, given[1])}
        if method != "account_signTransaction":
            return 200, error(-32601, f"the method {method} does not exist/is not available")
        asked = given[0]
        if wrong := [name for name in NUMBERS if not QUANTITY.fullmatch(asked[name])]:
            return 200, error(-32602, f"invalid argument 0: json: cannot unmarshal {wrong[0]}")
        warnings = []
        if "to" in asked:
            checksum = asked["to"] == to_checksum_address(asked["to"])
            warnings += [] if checksum else ["Invalid checksum on recipient address"]
            warnings += ["Transaction contains data, but the ABI signature could not be found"]
        if warnings and not advanced:
            return 200, error(-32000, f"validation failed: {','.join(warnings)}")
        if int(asked["chainId"], 16) != chain_id:
            text = f"requested chainid {int(asked['chainId'], 16)} does not match the configuration of the signer"
            return 200, error(-32000, text)
        return 200, {"result": signed(account, {name: int(asked[name], 16) for name in NUMBERS} | place(asked))}

    return served(answer)


def served(answer: Callable[[dict[str, Any]], Reply]) -> AbstractContextManager[str]:
    """As JSON-RPC over HTTP."""

    def reply(asked: Asked) -> tuple[int, bytes]:
        status, body = answer(asked.call)
        return status, json.dumps({"jsonrpc": "2.0", "id": asked.call["id"], **body}).encode() if body else b""

    return endpoint(reply)


def error(code: int, message: str) -> dict[str, Any]:
    """An error answer."""
    return {"error": {"code": code, "message": message}}


def place(asked: dict[str, Any]) -> dict[str, Any]:
    """Where it goes, and what with."""
    return {name: asked[name] for name in ("to", "data") if name in asked}


def signed(account: Account, fields: dict[str, Any]) -> dict[str, Any]:
    """What clef answers; `raw` is what web3signer does."""
    made = EthAccount.sign_transaction({"type": 2, **fields}, account.key)
    return {"raw": made.raw_transaction.to_0x_hex(), "tx": {"hash": made.hash.to_0x_hex()}}


def typed(account: Account, document: dict[str, Any]) -> str:
    """The signature of typed data."""
    message = encode_typed_data(full_message=document)
    return str(EthAccount.sign_message(message, account.key).signature.to_0x_hex())
