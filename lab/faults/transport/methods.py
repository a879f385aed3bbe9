"""Which JSON-RPC methods the system under test may use: what sends, what reads, and what the lab does not carry.

A guest may read a chain, and hand it signed transactions. Whatever else could move a chain is refused by name, for
what nobody sees nobody can judge, and a network's node would not let a guest set its clock.
"""

from __future__ import annotations

from lab.rpc import RpcRefused

SEND = "eth_sendRawTransaction"
# EIP-7966: sends, and answers with the receipt.
SEND_SYNC = "eth_sendRawTransactionSync"
SENDS = frozenset((SEND, SEND_SYNC))
METHOD_NOT_FOUND = -32601

# What reads a chain. `anvil_`, `evm_`, `hardhat_` and `tenderly_` drive the node, others are of no node of the lab.
READING = frozenset(("bor", "debug", "erigon", "eth", "net", "ots", "rpc", "trace", "txpool", "web3"))
# Within those: what moves a chain or its node, or asks the node for keys.
_MOVING = ("debug_set", "eth_resend", "eth_send", "eth_set", "eth_sign", "eth_submit")
_PUSHING = ("eth_subscribe", "eth_unsubscribe")


def named_alike(method: str) -> tuple[str, ...]:
    """The names under which a fault may speak of a method: one that sends goes by the name of sending, too."""
    return (method, SEND) if method == SEND_SYNC else (method,)


def refusal(method: str) -> RpcRefused | None:
    """Why the lab does not carry a method; None for one that it does."""
    if method in SENDS:
        return None
    if method in _PUSHING:
        why = "nothing is pushed over HTTP; ask again for what is new, or use eth_newBlockFilter"
    elif method.partition("_")[0] not in READING:
        why = f"a relayer may read a chain, and send with {SEND} or {SEND_SYNC}"
    elif method.startswith(_MOVING):
        why = f"sign transactions yourself, and send them with {SEND} or {SEND_SYNC}"
    else:
        return None
    return RpcRefused(method, METHOD_NOT_FOUND, f"the method {method[:80]} is not supported by the lab: {why}")
