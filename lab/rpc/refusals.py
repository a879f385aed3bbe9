"""What a node's refusal of a transaction or a read means. Nodes agree on codes least of all, so the words decide."""

from __future__ import annotations

import re

from lab.rpc.errors import RpcRefused

# EIP-1474's "limit exceeded", and what Alchemy, Infura and QuickNode answer for it.
LIMIT_CODES = frozenset({-32005, -32007, -32029, -32097})
TOO_MANY_REQUESTS = 429
METHOD_NOT_FOUND, INTERNAL_ERROR, SERVER_ERROR = -32601, -32603, -32000

KNOWN = ("already known", "already imported", "known transaction", "already exists in the pool")
USED = ("nonce too low", "nonce is too low", "invalid nonce")
OUTBID = ("replacement transaction underpriced", "transaction underpriced", "underpriced")
OUTPRICED = ("less than block base fee", "fee cap less than", "max fee per gas less than")
LIMITED = ("rate limit", "too many requests")
# Of a server's own error, which -32000 is; elsewhere they may be words about the call.
OVERLOADED = ("capacity", "compute units")
# Nodes keep the states of their newest blocks: what go-ethereum, Reth, Erigon, Nethermind and Anvil say of others.
FORGOTTEN = (
    "missing trie node",
    "is pruned",
    "old data not available due to pruning",
    "no state available for block",
    "blockoutofrange",
)
BEHIND = (
    "header not found",
    "unknown block",
    "missing trie node",
    "block not found",
    "does not have the requested block",
    "blockoutofrange",
    "block is not available",
)
# Nethermind's words for it (NethermindEth/nethermind#11205).
_BEHIND_BY_NUMBER = re.compile(r"\d+ could not be found")


def limits(code: int) -> bool:
    """Whether a JSON-RPC code, or an HTTP status, says that there are too many requests."""
    return code in LIMIT_CODES or code == TOO_MANY_REQUESTS


def says(refused: RpcRefused, words: tuple[str, ...]) -> bool:
    """True if the node's message contains one of the phrases."""
    message = refused.reason.lower()
    return any(word in message for word in words)


def is_known(refused: RpcRefused) -> bool:
    """Whether a node says that it has this very transaction already: then the send did what it should."""
    return says(refused, KNOWN)


def is_busy(refused: RpcRefused) -> bool:
    """Whether an endpoint refuses now what it may take a moment later: its limits, or an error of its own."""
    return limits(refused.code) or refused.code >= 500 or says(refused, LIMITED)


def is_forgotten(refused: RpcRefused) -> bool:
    """Whether a node says that it has not the state of that block, any more."""
    return says(refused, FORGOTTEN)


def is_trouble(refused: RpcRefused) -> bool:
    """Whether a refusal is about the endpoint (limits, overload, lag, a method it lacks), not about the call."""
    if refused.code in LIMIT_CODES or 400 <= refused.code < 600 or refused.code == METHOD_NOT_FOUND:
        return True
    if refused.code == INTERNAL_ERROR and refused.data is None and "revert" not in refused.reason.lower():
        return True
    if _BEHIND_BY_NUMBER.match(refused.reason):
        return True
    return says(refused, LIMITED + BEHIND) or (refused.code == SERVER_ERROR and says(refused, OVERLOADED))
