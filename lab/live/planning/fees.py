"""What a transaction offers on a real network: from the fees of its last blocks, never above the file's limit."""

from __future__ import annotations

from typing import Any

from lab.coordinator import Fees
from lab.errors import DeployFailure
from lab.live.declaration.deployment_file import Target
from lab.networks.l1_fee import l1_fee
from lab.rpc import Rpc, RpcFailure, RpcMalformed
from lab.rpc.client import quantity

HISTORY_BLOCKS = 10
# The base fee can rise by an eighth a block: twice the present one lasts for six full blocks.
BASE_FEE_ROOM = 2
GAS_ROOM = 1.2
# The predeploy of OP Stack chains that knows the present L1 data fee.
GAS_PRICE_ORACLE = "0x420000000000000000000000000000000000000f"
GET_L1_FEE = "0x49948e0e"


def offered_fees(rpc: Rpc, target: Target) -> Fees:
    """Base fee with room, and the median tip of the last blocks. Raises DeployFailure above the limit, RpcFailure."""
    base, tip = current_fees(rpc, target)
    return bounded(_with_room(base, tip), base, target)


def highest_offer(base_fee: int, tip: int, target: Target) -> int:
    """The highest price of a unit of gas that a transaction offers at these fees, in wei."""
    offer, limit = _with_room(base_fee, tip).max_fee_per_gas, target.max_fee_wei
    return offer if limit is None else min(offer, limit)


def _with_room(base_fee: int, tip: int) -> Fees:
    return Fees(BASE_FEE_ROOM * base_fee + tip, tip)


def bounded(offer: Fees, base_fee: int, target: Target) -> Fees:
    """The same within the file's limit. Raises DeployFailure where the limit cannot pay the present fee."""
    limit = target.max_fee_wei
    if limit is None or offer.max_fee_per_gas <= limit:
        return offer
    if base_fee + offer.max_priority_fee_per_gas > limit:
        raise DeployFailure(
            f"{target.name}: expected fees within max_fee_gwei {target.max_fee_gwei:g}, now a unit of gas costs "
            f"{(base_fee + offer.max_priority_fee_per_gas) / 1e9:.4g} gwei: wait, or raise the limit"
        )
    return Fees(limit, min(offer.max_priority_fee_per_gas, limit))


def current_fees(rpc: Rpc, target: Target) -> tuple[int, int]:
    """Base fee of the next block and a usual tip, in wei. Raises an RpcFailure."""
    history: Any = rpc.call("eth_feeHistory", hex(HISTORY_BLOCKS), "latest", [50])
    try:
        base = quantity("eth_feeHistory", history["baseFeePerGas"][-1])
        tips = sorted(quantity("eth_feeHistory", reward[0]) for reward in history.get("reward") or [])
    except (KeyError, IndexError, TypeError) as error:
        raise RpcMalformed("eth_feeHistory", f"expected base fees and rewards, got {str(history)[:80]!r}") from error
    # Blocks without transactions report a reward of 0.
    paid = [tip for tip in tips if tip > 0]
    return base, max(target.profile.min_tip_wei, paid[len(paid) // 2] if paid else 0)


def estimated_gas(rpc: Rpc, target: Target, call: dict[str, Any], room: float = GAS_ROOM, least: int = 0) -> int:
    """The node's estimate, `least` where that is more, times `room`, within the network's cap.

    Raises DeployFailure with the node's reason.
    """
    try:
        gas = quantity("eth_estimateGas", rpc.call("eth_estimateGas", call))
    except RpcFailure as failure:
        if not failure.definite:
            raise
        raise DeployFailure(f"{target.name}: expected the call to succeed when it is simulated: {failure}") from failure
    gas = max(gas, least)
    cap = min(target.profile.gas_limit, target.profile.tx_gas_cap or target.profile.gas_limit)
    if gas > cap:
        raise DeployFailure(f"{target.name}: expected at most {cap} gas in a transaction, this one takes {gas}")
    return min(int(gas * room), cap)


def data_fee(rpc: Rpc, target: Target, transaction_bytes: bytes) -> int:
    """The L1 data fee in wei: asked of the chain where it can tell, else by the profile's assumed L1 prices."""
    if target.profile.l1_data_fee is None:
        return 0
    padded = transaction_bytes.ljust(-(-len(transaction_bytes) // 32) * 32, b"\0")
    argument = (32).to_bytes(32, "big") + len(transaction_bytes).to_bytes(32, "big") + padded
    try:
        answer = rpc.call("eth_call", {"to": GAS_PRICE_ORACLE, "data": GET_L1_FEE + argument.hex()}, "latest")
        return quantity("eth_call", answer)
    except RpcFailure:
        return l1_fee(target.profile, transaction_bytes)


def paid(receipt: dict[str, Any]) -> int:
    """What a transaction cost, in wei: its gas at the price paid, and the data fee that rollups put into a receipt."""
    gas_price = int(receipt.get("effectiveGasPrice") or "0x0", 16)
    return int(receipt["gasUsed"], 16) * gas_price + int(receipt.get("l1Fee") or "0x0", 16)
