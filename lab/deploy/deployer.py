"""Puts the contract under test on a chain: same address everywhere, operators added, window set.

Everything goes into block 1, so that a chain is ready as soon as it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lab.coordinator import Codec, Fees, StateNumbering, role_account, sign_transaction
from lab.coordinator.accounts import OPERATOR_ROLES, created_address
from lab.coordinator.codec import decode_revert
from lab.deploy.compiled import CompiledContract
from lab.errors import DeployFailure
from lab.model.capabilities import CAPABILITIES, offered
from lab.model.names import ContractNames
from lab.paths import REFERENCE_CONTRACT
from lab.rpc import Rpc, RpcFailure

DEPLOY_GAS = 12_000_000
CALL_GAS = 300_000
DEFAULT_WINDOW_S = 30
PROBE_ID = "0x" + "5e" * 32


@dataclass(frozen=True, slots=True)
class Deployable:
    """A compiled contract with what follows from its ABI: codec, address on every chain, optional capabilities.

    `reference`: it is the lab's own, or a mutant of that, and is held to its own choices, too.
    """

    contract: CompiledContract
    codec: Codec
    address: str
    capabilities: tuple[str, ...]
    reference: bool = False


def deployable(
    contract: CompiledContract, names: ContractNames | None = None, *, reference: bool | None = None
) -> Deployable:
    """Prepare a contract for deployment by the owner's first transaction; `names` says what it calls otherwise.

    `reference` omitted: the file that the contract was compiled from says so.
    """
    codec = Codec(contract.abi, names)
    if reference is None:
        reference = contract.source_path.absolute() == REFERENCE_CONTRACT.absolute()
    address = created_address(role_account("owner").address, 0)
    return Deployable(contract, codec, address, capabilities_of(codec), reference)


def capabilities_of(codec: Codec) -> tuple[str, ...]:
    """The capabilities of which a contract has every function, those included that another one needs."""
    has = {name for name, capability in CAPABILITIES.items() if codec.has(*capability.function_names)}
    return tuple(name for name in offered(has) if has.issuperset({name, *CAPABILITIES[name].includes}))


@lru_cache(maxsize=256)
def _signed(
    chain_id: int, bytecode: str, calls: tuple[str, ...], address: str, max_fee_per_gas: int
) -> tuple[str, ...]:
    """The set-up transactions of one chain, by the owner with nonces from 0. Same input, same bytes: kept."""
    owner, fees = role_account("owner"), Fees(max_fee_per_gas, max_fee_per_gas // 2)
    deploy, _ = sign_transaction(owner, chain_id=chain_id, nonce=0, to=None, data=bytecode, gas=DEPLOY_GAS, fees=fees)
    rest = [
        sign_transaction(owner, chain_id=chain_id, nonce=nonce, to=address, data=data, gas=CALL_GAS, fees=fees)[0]
        for nonce, data in enumerate(calls, start=1)
    ]
    return (deploy, *rest)


def setup_transactions(
    target: Deployable, *, chain_id: int, window_s: int, base_fee: int, min_tip: int
) -> tuple[str, ...]:
    """Raw transactions that deploy and configure the contract, in order."""
    codec = target.codec
    calls = []
    if codec.has("add_operator"):
        calls += [codec.encode("add_operator", [role_account(role).address]) for role in OPERATOR_ROLES]
    if codec.has("set_coordination_window") and window_s != DEFAULT_WINDOW_S:
        calls.append(codec.encode("set_coordination_window", [window_s]))
    max_fee = 4 * max(base_fee, min_tip, 10**9)
    return _signed(chain_id, target.contract.bytecode, tuple(calls), target.address, max_fee)


def confirm(rpc: Rpc, chain: str, target: Deployable, hashes: Sequence[str]) -> None:
    """Raises DeployFailure if one of the set-up transactions did not succeed; says which and why."""
    for position, tx_hash in enumerate(hashes):
        receipt = rpc.receipt(tx_hash)
        if receipt is not None and receipt["status"] == "0x1":
            continue
        what = "the deployment" if position == 0 else f"set-up transaction {position}"
        reason = "it was not mined" if receipt is None else _reason(rpc, tx_hash)
        raise DeployFailure(
            f"{chain}: expected {what} of {target.contract.name} ({target.contract.source_path}) to succeed, "
            f"it failed: {reason}"
        )


def _reason(rpc: Rpc, tx_hash: str) -> str:
    try:
        trace: dict[str, Any] = rpc.call("debug_traceTransaction", tx_hash, {"tracer": "callTracer"})
    except RpcFailure as error:
        return f"reverted (no trace: {error})"
    return str(trace.get("revertReason") or decode_revert(trace.get("output")) or trace.get("error") or "reverted")


@lru_cache(maxsize=16)
def _learnt(identity: str) -> dict[str, StateNumbering]:
    return {}


def learn_numbering(rpc: Rpc, target: Deployable) -> StateNumbering:
    """How this contract numbers its states, from one simulated buffering; by the ABI alone where that fails.

    Nothing changes on the chain. The answer is kept per contract.
    """
    known = _learnt(target.contract.identity)
    if "numbering" not in known:
        known["numbering"] = _simulate(rpc, target) or StateNumbering.of_abi(target.contract.abi)
    return known["numbering"]


def _simulate(rpc: Rpc, target: Deployable) -> StateNumbering | None:
    codec, operator = target.codec, role_account("operator").address
    far = int(rpc.block("latest")["timestamp"], 16) + 3600  # type: ignore[index]  # a chain that was set up has a head
    try:
        buffer = codec.encode(
            "buffer_transaction", [PROBE_ID, "0x" + "11" * 20, "0x" + "22" * 20, "0x", "0x" + "00" * 32, far]
        )
        read = codec.encode("get_transaction_state", [PROBE_ID])
        calls = [{"from": operator, "to": target.address, "data": data} for data in (buffer, read)]
        answer = rpc.call("eth_simulateV1", {"blockStateCalls": [{"calls": calls}]}, "latest")
        return StateNumbering.learn(
            codec.decode_result("get_transaction_state", answer[0]["calls"][1]["returnData"])[0]
        )
    except (RpcFailure, KeyError, ValueError, IndexError, TypeError):
        return None
