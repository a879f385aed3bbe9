"""Which JSON-RPC methods a guest may use: those that public providers of the network serve, and no others.

The list is data of the network profiles. Whatever is not on it is refused as a provider's node does, for what nobody
sees nobody can judge, and no network lets a guest set its clock, or sign with its keys.
"""

from __future__ import annotations

import sys
from collections.abc import Container
from typing import Any

from lab.networks.rpc_methods import common_methods
from lab.rpc import RpcRefused

SEND = "eth_sendRawTransaction"
# EIP-7966: sends, and answers with the receipt.
SEND_SYNC = "eth_sendRawTransactionSync"
SENDS = frozenset((SEND, SEND_SYNC))
NEW_FILTER, FILTER_CHANGES = "eth_newFilter", "eth_getFilterChanges"
METHOD_NOT_FOUND = -32601
_PUSHING = ("eth_subscribe", "eth_unsubscribe")
NAME_CHARACTERS_MAX = 80
# Methods whose answers come from mined blocks alone, with how many parameters say that no other block is meant.
OF_MINED = {
    **dict.fromkeys(("eth_chainId", "eth_blockNumber", "eth_syncing"), 0),
    **dict.fromkeys(("eth_getBlockByNumber", "eth_getBlockByHash", "eth_getBlockReceipts"), 1),
    **dict.fromkeys(("eth_getTransactionReceipt", "eth_getLogs"), 1),
    **dict.fromkeys(("eth_call", "eth_getBalance", "eth_getCode", "eth_getTransactionCount"), 2),
}


def named_alike(method: str) -> tuple[str, ...]:
    """The names under which a fault may speak of a method: one that sends goes by the name of sending, too."""
    return (method, SEND) if method == SEND_SYNC else (method,)


def of_mined(method: str, params: list[Any]) -> bool:
    """Whether nothing of the block to come shows in the answer."""
    return len(params) >= OF_MINED.get(method, sys.maxsize) and "pending" not in str(params)


def refusal(method: str, served: Container[str]) -> RpcRefused | None:
    """What a provider's node says of a method that it does not serve over HTTP; None for one that is `served`."""
    if method in served:
        return None
    if method in _PUSHING:
        return RpcRefused(method, METHOD_NOT_FOUND, "notifications not supported")
    name = method[:NAME_CHARACTERS_MAX]
    return RpcRefused(method, METHOD_NOT_FOUND, f"the method {name} does not exist/is not available")


def own_answer(method: str) -> Any:
    """What the lab answers itself, for the node would answer as a test node; None where the node is asked."""
    if method == "eth_accounts":
        return []
    return common_methods().client_version if method == "web3_clientVersion" else None


def advice(method: str) -> str:
    """What the history says beside the refusal, for whoever wrote the relayer."""
    if method in _PUSHING:
        return "nothing is pushed over HTTP: poll, or use eth_newBlockFilter"
    return f"providers of the network do not serve it; sign transactions yourself, and send them with {SEND}"
