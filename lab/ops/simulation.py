"""Calls tried before they are sent: in their order where the node can (`eth_simulateV1`), else the first by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.coordinator.reverts import decode_revert
from lab.ops.executors.call import Call
from lab.rpc import Rpc, RpcRefused

RICH_WEI = 10**24


def first_revert(rpc: Rpc, sender: str, calls: Sequence[Call]) -> str | None:
    """Which call would revert, and why; None where none does. Raises an RpcFailure that is no refusal."""
    try:
        return _simulated(rpc, sender, calls)
    except (RpcRefused, KeyError, TypeError, IndexError):
        # Not known there, or answered in a shape of its own: what the others would find, only the first can show.
        return _called(rpc, sender, calls[0])


def _simulated(rpc: Rpc, sender: str, calls: Sequence[Call]) -> str | None:
    requests = [{"from": sender, "to": call.to, "data": call.data, "value": hex(call.value)} for call in calls]
    # A sender that is a contract pays for no gas, and need not have any.
    block = {"stateOverrides": {sender: {"balance": hex(RICH_WEI)}}, "calls": requests}
    blocks: Any = rpc.call("eth_simulateV1", {"blockStateCalls": [block]}, "latest")
    for call, answer in zip(calls, blocks[0]["calls"], strict=True):
        if answer["status"] != "0x1":
            error = answer.get("error") or {}
            data = answer.get("returnData") if answer.get("returnData") not in (None, "0x") else error.get("data")
            return f"{call.text} reverts: {decode_revert(data) or error.get('message') or 'without a reason'}"
    return None


def _called(rpc: Rpc, sender: str, call: Call) -> str | None:
    try:
        rpc.call("eth_call", {"from": sender, "to": call.to, "data": call.data, "gasPrice": "0x0"}, "latest")
    except RpcRefused as refused:
        return f"{call.text} reverts: {decode_revert(refused.data) or refused.reason}"
    return None
