"""Why a transaction that is in a block reverted: out of gas by its receipt, else by calling it once more."""

from __future__ import annotations

from typing import Any

from lab.coordinator.outputs.reverts import decode_revert
from lab.errors import DeployFailure, OutOfGas
from lab.live.journaling.journal import Entry
from lab.rpc import Rpc, RpcFailure, RpcRefused

# A call inside of another gets all gas but a 64th (EIP-150): what runs out behind a proxy leaves so much.
KEPT_OF_GAS = 64


def reverted(network: str, entry: Entry, receipt: dict[str, Any], rpc: Rpc) -> DeployFailure:
    """What to raise for the transaction of a step: an OutOfGas, or a DeployFailure with the reason."""
    if ran_out_of_gas(entry.gas, receipt):
        return OutOfGas(
            f"{network}: {entry.step} ran out of gas: {entry.tx} used up its limit of {entry.gas}, which was estimated "
            "before another transaction or the time changed what the call does; it had no effect"
        )
    return DeployFailure(
        f"{network}: expected {entry.step} to succeed, {entry.tx} reverted: {reason_of(rpc, entry.tx, receipt)}"
    )


def ran_out_of_gas(limit: int, receipt: dict[str, Any]) -> bool:
    """Whether its gas limit was used up, behind a proxy too."""
    return limit > 0 and int(receipt["gasUsed"], 16) * KEPT_OF_GAS >= limit * (KEPT_OF_GAS - 1)


def reason_of(rpc: Rpc, tx: str, receipt: dict[str, Any]) -> str:
    """The contract's words in the state before its block, or why there are none."""
    try:
        transaction = rpc.call("eth_getTransactionByHash", tx) or {}
        call = {key: transaction[key] for key in ("from", "to", "input", "value") if transaction.get(key)}
        call["data"] = call.pop("input", "0x")
        rpc.call("eth_call", call, hex(int(receipt["blockNumber"], 16) - 1))
    except RpcRefused as refused:
        return decode_revert(refused.data) or refused.reason
    except RpcFailure as failure:
        return f"no reason can be had ({failure})"
    return "repeated before its block it would have succeeded: another transaction or the time came in between"
