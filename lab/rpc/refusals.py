"""What a node's refusal of a transaction or a read means. Nodes agree on codes least of all, so the words decide."""

from __future__ import annotations

from lab.rpc.errors import RpcRefused

KNOWN = ("already known", "already imported", "known transaction", "already exists in the pool")
USED = ("nonce too low", "nonce is too low", "invalid nonce")
OUTBID = ("replacement transaction underpriced", "transaction underpriced", "underpriced")
OUTPRICED = ("less than block base fee", "fee cap less than", "max fee per gas less than")
LIMITED = ("rate limit", "too many requests")
# Of a server's own error, which -32000 is; elsewhere they may be words about the call.
OVERLOADED = ("capacity", "compute units")
BEHIND = ("header not found", "unknown block", "missing trie node", "block not found")


def says(refused: RpcRefused, words: tuple[str, ...]) -> bool:
    """True if the node's message contains one of the phrases."""
    message = refused.reason.lower()
    return any(word in message for word in words)
