"""Putting a contract on a chain: its deployment and its set-up, and what to say where one of them fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lab.coordinator import created_address
from lab.coordinator.behaviour import ZERO_ADDRESS
from lab.deploy.deployer import Deployable, SetUp, set_up_calls, setup_transactions
from lab.errors import DeployFailure
from lab.networks.profile import NetworkProfile
from lab.rpc import Rpc, RpcFailure, RpcRefused
from lab.rpc.prefetch import Prefetching

# What to do where a call of the lab's own fails because nobody owns the contract.
NO_OWNER = (
    "; owner() is address zero: a contract that is set up by a call, as behind a proxy, says so in lab.yaml "
    "(set_up: [{call: initialize, args: [owner], first: true}])"
)


# So many contracts that a constructor creates are looked for in its code.
CREATED = 4


class SetUpFailure(DeployFailure):
    """A call of the project's set-up script did not succeed; `at` is its place in the file."""

    def __init__(self, message: str, at: str) -> None:
        super().__init__(message)
        self.at = at


def put_on_chain(
    rpc: Rpc,
    chain: str,
    target: Deployable,
    profile: NetworkProfile,
    *,
    window_s: int,
    mine: Callable[[str], None],
    base_fee: int | None = None,
) -> None:
    """Deploy and configure the contract; `mine` mines until the transaction of this hash, the last one, is in a block.

    Raises DeployFailure, SetUpFailure for a call of the project's own script.
    """
    raws = setup_transactions(
        target,
        chain_id=profile.chain_id,
        window_s=window_s,
        base_fee=profile.initial_base_fee_wei if base_fee is None else base_fee,
        min_tip=profile.min_tip_wei,
    )
    try:
        hashes = [rpc.send_raw(raw) for raw in raws]
    except RpcRefused as error:
        name = f"{target.contract.name} ({target.contract.source_path})"
        raise DeployFailure(f"{chain}: expected the node to take {name}, it refused it: {error.reason}") from error
    mine(hashes[-1])
    confirm(rpc, chain, target, hashes, set_up_calls(target, window_s=window_s))


def confirm(rpc: Rpc, chain: str, target: Deployable, hashes: Sequence[str], calls: Sequence[SetUp] = ()) -> None:
    """Raises DeployFailure if one of the set-up transactions did not succeed; says which and why."""
    name = f"{target.contract.name} ({target.contract.source_path})"
    prefetching = Prefetching(rpc.transport)
    with prefetching.asked([("eth_getTransactionReceipt", [tx_hash]) for tx_hash in hashes]):
        receipts = [Rpc(prefetching).receipt(tx_hash) for tx_hash in hashes]
    for position, (tx_hash, receipt) in enumerate(zip(hashes, receipts, strict=True)):
        if receipt is not None and receipt["status"] == "0x1":
            continue
        reason = "it was not mined" if receipt is None else _reason(rpc, target, tx_hash)
        if position == 0:
            raise DeployFailure(f"{chain}: expected the deployment of {name} to succeed, it failed: {reason}")
        call = calls[position - 1] if position <= len(calls) else SetUp("owner", "", "")
        what = f"set-up transaction {position}{f', {call.what},' if call.what else ''} of {name}"
        if call.at:
            raise SetUpFailure(f"expected {call.what} to succeed, it failed: {reason}", call.at)
        raise DeployFailure(f"{chain}: expected {what} to succeed, it failed: {reason}{_ownerless(rpc, target)}")


def _ownerless(rpc: Rpc, target: Deployable) -> str:
    """What to do for a contract that has no owner yet, as behind a proxy."""
    if not target.codec.has("owner"):
        return ""
    try:
        answer = rpc.eth_call(target.address, target.codec.encode("owner", []))
        owner = target.codec.decode_result("owner", answer)[0]
    except (RpcFailure, ValueError):
        return ""
    return NO_OWNER if owner == ZERO_ADDRESS else ""


def moved_code(code: str, simulated: str, address: str) -> str:
    """Code as it is at another address: where it holds its own, or those of the first contracts that it creates."""
    code = code.replace(simulated[2:], address[2:].lower())
    for number in range(1, CREATED + 1):
        code = code.replace(created_address(simulated, number)[2:], created_address(address, number)[2:])
    return code


def _reason(rpc: Rpc, target: Deployable, tx_hash: str) -> str:
    try:
        trace: dict[str, Any] = rpc.call("debug_traceTransaction", tx_hash, {"tracer": "callTracer"})
    except RpcFailure as error:
        return f"reverted (no trace: {error})"
    return target.codec.reasons.traced(trace) or "reverted"
