"""Transactions of a scripted scenario that are not operations: many at once, to other contracts, and deployments.

They are signed with nonces counted here and handed over together, so that a block holds as many as fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import encode

from lab.chains.chain import Chain
from lab.coordinator import Account, Codec, Fees, created_address, role_account, sign_transaction
from lab.deploy.compile import compile_contract
from lab.deploy.deployer import initializers
from lab.errors import LabError
from lab.model.contract.names import ContractNames
from lab.model.records import Tx
from lab.rpc import RpcRefused
from lab.runner.operations import WAIT_MS
from lab.runner.requirements.room import Room
from lab.runner.run import Run
from lab.session.suite import cache_folder

GAS = 400_000
DEPLOY_GAS = 12_000_000
TIP_WEI = 10**9
# Full blocks raise the fee by an eighth each: this outlasts sixteen of them.
FEE_FACTOR = 8


@dataclass(frozen=True, slots=True)
class Deployed:
    """A contract that a scenario put on a chain."""

    chain: str
    address: str
    codec: Codec


def send_all(
    run: Run,
    chain_name: str,
    role: str,
    requests: Sequence[tuple[str | None, str]],
    gas: int = GAS,
    *,
    buffering: bool = False,
) -> list[Tx]:
    """Send (to, data) pairs in this order and wait until all are mined. Raises DeadlineExceeded.

    `gas` is the least limit of each; what the contract needs for such calls now may be more. Where they
    are `buffering` something, it can be resolved in the end. Raises NoRoom where one holds more than a block may.
    """
    chain, account = run.lab.chains[chain_name], role_account(role)
    gas = max(gas, _dearest(chain, account.address, requests))
    target, room = run.lab.spec.target, Room(run)
    # What goes elsewhere is nothing to the contract.
    limit = room.limit if any(to == target.address for to, _ in requests) else None
    size = limit or len(requests) or 1
    parts = (requests[place : place + size] for place in range(0, len(requests), size))
    txs = [tx for part in parts for tx in _send_together(run, chain, account, part, gas)]
    for tx in txs:
        room.expect_apart(chain_name, tx)
    if buffering:
        _pass_delay(run, chain)
    return txs


def _send_together(
    run: Run, chain: Chain, account: Account, requests: Sequence[tuple[str | None, str]], gas: int
) -> list[Tx]:
    """As many as the contract takes of an account in one block."""
    first, tip = chain.look().nonce(account.address), max(TIP_WEI, chain.profile.min_tip_wei)
    fees = Fees(FEE_FACTOR * chain.producer.next_base_fee() + tip, tip)
    hashes = []
    for nonce, (to, data) in enumerate(requests, first):
        raw, tx_hash = sign_transaction(
            account, chain_id=chain.profile.chain_id, nonce=nonce, to=to, data=data, gas=gas, fees=fees
        )
        chain.send(raw)
        hashes.append(tx_hash)
    observed = chain.observer.observed

    def mined() -> bool:
        chain.catch_up()
        return hashes[-1] in observed

    if hashes:
        scheduler = run.lab.scheduler
        deadline_ms = run.now_ms + WAIT_MS
        what = f"{len(hashes)} transactions of the {account.role} on {chain.name} to be mined"
        scheduler.advance_until(mined, deadline_ms=deadline_ms, step_ms=250, waiting_for=what)
    return [observed[tx_hash][1] for tx_hash in hashes]


def _pass_delay(run: Run, chain: Chain) -> None:
    """Let the delay pass that the contract asks for between a buffering now and its resolve, if it does."""
    limits, scheduler = run.lab.spec.target.limits, run.lab.scheduler
    until = chain.look().block_number() + (limits.resolve_after_blocks or 0)

    def passed() -> bool:
        return chain.look().block_number() >= until

    deadline_ms, what = run.now_ms + WAIT_MS, f"block {until} on {chain.name}"
    scheduler.advance_until(passed, deadline_ms=deadline_ms, step_ms=250, waiting_for=what)
    scheduler.sleep(limits.resolve_after_seconds or 0)


def gas_with_room(chain: Chain, sender: str, to: str, data: str) -> int:
    """Half as much again as a call would cost now, or all that a block holds. Raises RpcRefused where it reverts."""
    cost = int(chain.look().call("eth_estimateGas", {"from": sender, "to": to, "data": data}), 16)
    return min(cost * 3 // 2, chain.producer.gas_limit)


def _dearest(chain: Chain, sender: str, requests: Sequence[tuple[str | None, str]]) -> int:
    """The gas of the dearest call, the longest of each function tried; 0 where all revert."""
    longest: dict[tuple[str, str], str] = {}
    for to, data in requests:
        if to is not None:
            key = to, data[:10]
            longest[key] = max(longest.get(key, ""), data, key=len)
    costs = [0]
    for (to, _), data in longest.items():
        with suppress(RpcRefused):
            costs.append(gas_with_room(chain, sender, to, data))
    return max(costs)


def deploy(run: Run, chain_name: str, path: Path, args: Sequence[Any], role: str) -> Deployed:
    """Compile a contract and put it on a chain. Raises CompileFailure, or LabError where its constructor reverts."""
    contract = compile_contract(path, cache_dir=cache_folder() / "compiled")
    inputs = [entry["inputs"] for entry in contract.abi if entry["type"] == "constructor"]
    types = [parameter["type"] for parameters in inputs for parameter in parameters]
    data = contract.bytecode + encode(types, list(args)).hex()
    return _create(run, chain_name, role, data, Codec(contract.abi, ContractNames()), path.name)


def deploy_again(run: Run, chain_name: str, role: str) -> Deployed:
    """Put the contract under test on a chain once more, as the run's set-up did, with its names. Raises LabError."""
    target = run.lab.spec.target
    made = _create(run, chain_name, role, target.contract.bytecode, target.codec, target.contract.name)
    for call in initializers(target):
        (tx,) = send_all(run, chain_name, call.role, [(made.address, call.data)], DEPLOY_GAS)
        if tx.status != 1:
            raise LabError(f"{chain_name}: expected {call.what} of a new {target.contract.name} to succeed")
    return made


def _create(run: Run, chain_name: str, role: str, data: str, codec: Codec, name: str) -> Deployed:
    chain, account = run.lab.chains[chain_name], role_account(role)
    address = created_address(account.address, chain.look().nonce(account.address))
    (tx,) = send_all(run, chain_name, role, [(None, data)], DEPLOY_GAS)
    if tx.status != 1:
        raise LabError(f"{chain_name}: expected the deployment of {name} by the {role} to succeed, it reverted")
    return Deployed(chain_name, address, codec)
