"""Why a contract refused a call of the relayer's, and whether it refuses them all."""

from __future__ import annotations

from lab.coordinator.reverts import decode_revert
from lab.rpc import RpcRefused

SHUT = ("paused", "not authorized")


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
