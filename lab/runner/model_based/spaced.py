"""Requests for simulated blocks: how far apart they are in number and in time, and what calls are in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lab.coordinator.accounts import ROLES, role_account
from lab.model.contract.names import Limits
from lab.rpc import Rpc
from lab.runner.model_based.sequence import CONTRACT, Block

GAS = hex(3_000_000)
RICH = hex(10**24)
STOP = "0x00"  # what the contract at a rollup's address does

# The time of a block, and its calls: sender, function, arguments.
Calls = tuple[int, list[tuple[str, str, tuple[Any, ...]]]]
Encode = Callable[[str, tuple[Any, ...]], str]


def spaced(rpc: Rpc, blocks: Sequence[dict[str, Any]], limits: Limits) -> list[dict[str, Any]]:
    """The blocks of `eth_simulateV1` with numbers of their own; as they are for a contract that wants no delay."""
    gap = limits.resolve_after_blocks or 0
    if gap < 2:
        return list(blocks)
    head = rpc.block_number()
    return [
        {**block, "blockOverrides": {**block.get("blockOverrides", {}), "number": hex(head + gap * place)}}
        for place, block in enumerate(blocks, 1)
    ]


def simulated(blocks: Sequence[Calls], like: Block, head: int, to: str, encode: Encode) -> list[dict[str, Any]]:
    """Blocks of calls to a contract, all callers rich; numbered on from a head where they are far apart."""
    requests: list[dict[str, Any]] = []
    common = {"to": to, "gas": GAS} | ({"gasPrice": hex(like.gas_price)} if like.gas_price else {})
    for place, (time, calls) in enumerate(blocks, 1):
        made = [{"from": sender, "data": encode(function, args)} | common for sender, function, args in calls]
        number = {"number": hex(head + place * like.apart)} if like.apart > 1 else {}
        requests.append({"blockOverrides": {"time": hex(time)} | number, "calls": made})
    known = {role_account(role).address for role in ROLES}
    strangers = {sender for _, calls in blocks for sender, _, _ in calls if sender not in known}
    rich = {sender: {"balance": RICH} for sender in sorted(strangers)}
    requests[0]["stateOverrides"] = rich | {CONTRACT: {"code": STOP}}
    return requests
