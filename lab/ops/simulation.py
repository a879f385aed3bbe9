"""Calls tried before they are sent: in their order where the node can (`eth_simulateV1`), else the first by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from lab.coordinator.outputs.reverts import decode_revert
from lab.rpc import Rpc, RpcRefused

RICH_WEI = 10**24


class Simulated(Protocol):
    """A call as it is tried: of an operator's, or inside of a Safe's transaction."""

    @property
    def to(self) -> str:
        """Whose it is."""

    @property
    def data(self) -> str:
        """What the contract gets."""

    @property
    def value(self) -> int:
        """In wei."""

    @property
    def text(self) -> str:
        """In words."""


def first_revert(rpc: Rpc, sender: str, calls: Sequence[Simulated]) -> tuple[str, str] | None:
    """Which call would revert, and why; None where none does. Raises an RpcFailure that is no refusal.

    The sender need not have the fee: a contract that sends, as a Safe, pays for no gas.
    """
    try:
        return _simulated(rpc, sender, calls)
    except (RpcRefused, KeyError, TypeError, IndexError):
        # Not known there, or answered in a shape of its own: what the others would find, only the first can show.
        return _called(rpc, sender, calls[0])


def gas_in_order(rpc: Rpc, sender: str, calls: Sequence[Simulated]) -> list[int] | None:
    """What each call uses after those before it; None where the node cannot tell, or one of them reverts.

    Raises an RpcFailure that is no refusal.
    """
    try:
        answers = _answers(rpc, sender, calls)
        if any(answer["status"] != "0x1" for answer in answers):
            return None
        return [int(answer["gasUsed"], 16) for answer in answers]
    except (RpcRefused, KeyError, TypeError, IndexError, ValueError):
        return None


def _answers(rpc: Rpc, sender: str, calls: Sequence[Simulated]) -> list[dict[str, Any]]:
    """Of `eth_simulateV1`, one for each call."""
    requests = [{"from": sender, "to": call.to, "data": call.data, "value": hex(call.value)} for call in calls]
    block = {"stateOverrides": {sender: {"balance": hex(RICH_WEI)}}, "calls": requests}
    blocks: Any = rpc.call("eth_simulateV1", {"blockStateCalls": [block]}, "latest")
    return list(blocks[0]["calls"])


def _simulated(rpc: Rpc, sender: str, calls: Sequence[Simulated]) -> tuple[str, str] | None:
    for call, answer in zip(calls, _answers(rpc, sender, calls), strict=True):
        if answer["status"] != "0x1":
            error = answer.get("error") or {}
            data = answer.get("returnData") if answer.get("returnData") not in (None, "0x") else error.get("data")
            return call.text, decode_revert(data) or error.get("message") or "without a reason"
    return None


def _called(rpc: Rpc, sender: str, call: Simulated) -> tuple[str, str] | None:
    # With a price, which a node fills in where none is given, it wants the fee.
    request = {"from": sender, "to": call.to, "data": call.data, "value": hex(call.value), "gasPrice": "0x0"}
    try:
        rpc.call("eth_call", request, "latest")
    except RpcRefused as refused:
        return call.text, decode_revert(refused.data) or refused.reason
    return None
