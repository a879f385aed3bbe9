"""Why a contract refused a call of the relayer's, and whether it refuses them all."""

from __future__ import annotations

from lab.coordinator import Codec, Reader
from lab.coordinator.documented import CAPABILITY_REVERTS, REVERTS
from lab.coordinator.outputs.reverts import decode_revert
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


def is_stopped(reason: str, codec: Codec, reader: Reader) -> bool:
    """True if a contract that refuses in words of its own says by its view that it is stopped. Raises an RpcFailure.

    As calls are estimated, behind what waits to be mined: the stop itself may. A node without such a view says how it
    is at the head.
    """
    if reason in (*REVERTS, *CAPABILITY_REVERTS) or not codec.has("paused"):
        return False
    try:
        return reader.get("paused", block="pending") is True
    except RpcRefused:
        return reader.get("paused") is True
