"""What a node's refusal means. Nodes agree on codes least of all, so the words decide."""

from __future__ import annotations

from lab.coordinator.reverts import decode_revert
from lab.rpc import RpcRefused

USED = ("nonce too low", "nonce is too low", "invalid nonce")
OUTBID = ("replacement transaction underpriced", "transaction underpriced", "underpriced")
OUTPRICED = ("less than block base fee", "fee cap less than", "max fee per gas less than")
SHUT = ("paused", "not authorized")


def says(refused: RpcRefused, words: tuple[str, ...]) -> bool:
    """True if the node's message contains one of the phrases."""
    message = refused.reason.lower()
    return any(word in message for word in words)


def revert_reason(refused: RpcRefused) -> str | None:
    """Why the contract refused; None if it was the node that did."""
    reason = decode_revert(refused.data)
    if reason is None and isinstance(refused.data, dict):
        reason = decode_revert(refused.data.get("data"))
    if reason is not None:
        return reason
    return refused.reason if "revert" in refused.reason.lower() else None


def is_shut(reason: str) -> bool:
    """True if the contract refuses every call of ours, not only this one."""
    return any(word in reason.lower() for word in SHUT)
