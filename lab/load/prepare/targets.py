"""A chain as a load run sees it, whoever started it: this run, a `lab up`, or somebody else."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.coordinator import Account, Codec, Fees, role_account, sign_transaction
from lab.errors import DeployFailure, UsageError
from lab.model.redacted import RedactedUrl
from lab.rpc import Rpc, RpcFailure, RpcRefused
from lab.session.load_chains.interval import RICH_WEI, base_fee

ADD_OPERATOR_GAS = 120_000
MINED_WITHIN_S = 120.0
POLL_S = 0.1


@dataclass
class Target:
    """One chain to send to. `gas_limit` is what a block holds now; a node of this run may be made to mine at once."""

    name: str
    network: str
    chain_id: int
    url: RedactedUrl
    rpc: Rpc
    contract: str
    codec: Codec
    rollup: str
    block_time_ms: int
    gas_limit: int
    min_tip_wei: int
    synthetic: bool
    own_node: bool

    def base_fee(self) -> int:
        """Of the head block, in wei; 0 where the chain has none."""
        return base_fee(self.rpc)

    def transaction_count(self) -> int | None:
        """The contract's own count; None for a contract that keeps none."""
        if not self.codec.has("transaction_count"):
            return None
        answer = self.rpc.eth_call(self.contract, self.codec.encode("transaction_count", []))
        return int(self.codec.decode_result("transaction_count", answer)[0])

    def fees(self, headroom: int) -> Fees:
        """A fee cap that stays above the base fee while it rises."""
        tip = max(self.min_tip_wei, 10**6)
        return Fees(headroom * max(self.base_fee(), 10**9) + tip, tip)


def authorise(target: Target, owner: Account, accounts: Sequence[Account]) -> None:
    """Fund the accounts and let the owner make those operators that are none. Raises UsageError or DeployFailure."""
    codec, rpc = target.codec, target.rpc
    for account in (owner, *accounts):
        _fund(target, account.address)
    if not codec.has("add_operator"):
        return
    missing = [account for account in accounts if not is_operator(target, account.address)]
    nonce, fees = rpc.nonce(owner.address, "pending"), target.fees(16)
    hashes = []
    grants = ["add_operator", *(f"add_{role}" for role in codec.names.second_roles)]
    calls = [codec.encode(grant, [account.address]) for account in missing for grant in grants]
    for offset, data in enumerate(calls):
        raw, _ = sign_transaction(
            owner,
            chain_id=target.chain_id,
            nonce=nonce + offset,
            to=target.contract,
            data=data,
            gas=ADD_OPERATOR_GAS,
            fees=fees,
        )
        hashes.append(rpc.send_raw(raw))
    for tx_hash in hashes:
        receipt = wait_mined(target, tx_hash)
        if receipt["status"] != "0x1":
            raise DeployFailure(
                f"{target.name}: expected add_operator to succeed, it reverted: is {owner.address} the owner of the "
                f"contract {target.contract}?"
            )


def wait_mined(target: Target, tx_hash: str) -> Mapping[str, str]:
    """The receipt. A node of this run mines at once; on others it takes their time. Raises DeployFailure."""
    deadline = time.monotonic() + MINED_WITHIN_S
    while time.monotonic() < deadline:
        receipt = target.rpc.receipt(tx_hash)
        if receipt is not None:
            return receipt
        if target.own_node:
            target.rpc.call("evm_mine")
        else:
            time.sleep(POLL_S)
    raise DeployFailure(f"{target.name}: expected {tx_hash} to be mined within {MINED_WITHIN_S:g} s, it was not")


def estimate_gas(target: Target, sender: Account, data: str) -> int:
    """What one call takes. Raises UsageError that quotes the contract's refusal."""
    request = {"from": sender.address, "to": target.contract, "data": data}
    try:
        return int(target.rpc.call("eth_estimateGas", request), 16)
    except RpcRefused as refused:
        raise UsageError(
            f"{target.name}: expected the contract {target.contract} to accept the call that this load is made of; it "
            f"refuses: {refused.reason}. Try the contract in a scenario first."
        ) from refused


def owner_account(key: bytes | None = None, address: str | None = None) -> Account:
    """The contract's owner: the lab's own, or one whose key was read from a session's key file."""
    return Account("owner", address.lower(), key) if key is not None and address else role_account("owner")


def _fund(target: Target, address: str) -> None:
    try:
        target.rpc.call("anvil_setBalance", address, hex(RICH_WEI))
    except RpcFailure:
        if target.rpc.balance(address) == 0:
            raise UsageError(
                f"{target.name}: expected the sender {address} to have funds, it has none, and the node refuses "
                "anvil_setBalance: send it some first"
            ) from None


def is_operator(target: Target, address: str) -> bool:
    """Whether the contract says so; False where it cannot say."""
    codec = target.codec
    if not codec.has("authorized_operators"):
        return False
    answer = target.rpc.eth_call(target.contract, codec.encode("authorized_operators", [address]))
    return bool(codec.decode_result("authorized_operators", answer)[0])
