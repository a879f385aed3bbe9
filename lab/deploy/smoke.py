"""The smoke run: does each core operation of a contract succeed once, under the best of conditions?

On a chain of its own, before any scenario: a contract that can buffer nothing would fail every one of them at length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.coordinator import Fees, StateNumbering, role_account, sign_transaction
from lab.coordinator.codec import decode_revert
from lab.deploy.deployer import Deployable, confirm, learn_numbering, setup_transactions
from lab.deploy.vyper.source_lines import SourceLine, revert_line
from lab.errors import DeployFailure
from lab.networks.profile import NetworkProfile
from lab.rpc import Rpc, RpcFailure

CORE = ("buffer_transaction", "resolve_dependency", "mark_executed")
WINDOW_S = 30
GAS = 1_500_000
# A step of an execution takes three gas or more and 400 bytes here: a longer one is not traced for its last line.
TRACED_GAS_MAX = 300_000
ZERO_ID, TX_ID = "0x" + "00" * 32, "0x" + "5e" * 32
ORIGIN, TARGET = "0x" + "11" * 20, "0x" + "22" * 20
# Seconds after genesis: buffered before its timestamp, resolved and executed in the middle of its window.
BUFFERED_AT, TIMESTAMP, RESOLVED_AT, EXECUTED_AT = 12, 24, 36, 48


@dataclass(frozen=True, slots=True)
class SmokeFailure:
    """The first operation that did not succeed. `line` is the source line that refused it, where one is known."""

    operation: str
    reason: str
    line: SourceLine | None = None

    def __str__(self) -> str:
        at = f" at {self.line.place}" if self.line else ""
        return f"{self.operation} never succeeds: {self.reason}{at}"


@dataclass(frozen=True, slots=True)
class Smoke:
    """What came of it. Operations after the failed one were not tried: they need what it would have left."""

    failure: SmokeFailure | None
    numbering: StateNumbering

    def lines(self) -> list[str]:
        """What went wrong, why, and the line itself; nothing where all is well."""
        if self.failure is None:
            return []
        line = self.failure.line
        quoted = [f"  {line.where} | {line.text.strip()}"] if line is not None else []
        return [f"smoke run: {self.failure}", *quoted]

    def blocks(self, needed: tuple[str, ...]) -> SmokeFailure | None:
        """The failure, for somebody who needs these operations: one that comes later needs those before it."""
        if self.failure is None or self.failure.operation not in CORE:
            return self.failure
        reached = CORE[: CORE.index(self.failure.operation)]
        return self.failure if any(operation not in reached for operation in needed) else None


def smoke(rpc: Rpc, target: Deployable, profile: NetworkProfile, *, genesis_time: int) -> Smoke:
    """Deploy, buffer, resolve and execute on a fresh node that mines only when told to."""
    guess = StateNumbering.of_abi(target.contract.abi)
    raws = setup_transactions(
        target,
        chain_id=profile.chain_id,
        window_s=WINDOW_S,
        base_fee=profile.initial_base_fee_wei,
        min_tip=profile.min_tip_wei,
    )
    hashes = [rpc.send_raw(raw) for raw in raws]
    _mine(rpc, genesis_time + 1)
    try:
        confirm(rpc, profile.name, target, hashes)
    except DeployFailure as error:
        return Smoke(SmokeFailure("the deployment", str(error)), guess)
    if rpc.call("eth_getCode", target.address, "latest") == "0x":
        return Smoke(SmokeFailure("the deployment", "its creation code leaves no contract behind"), guess)
    arguments: dict[str, list[Any]] = {
        "buffer_transaction": [TX_ID, ORIGIN, TARGET, "0x" + "ab" * 64, ZERO_ID, genesis_time + TIMESTAMP],
        "resolve_dependency": [TX_ID],
        "mark_executed": [TX_ID],
    }
    for operation, second in zip(CORE, (BUFFERED_AT, RESOLVED_AT, EXECUTED_AT), strict=True):
        failure = _try(rpc, target, profile, operation, arguments[operation], genesis_time + second)
        if failure is not None:
            return Smoke(failure, guess)
    return Smoke(None, learn_numbering(rpc, target))


def _mine(rpc: Rpc, timestamp: int) -> None:
    rpc.call("evm_setNextBlockTimestamp", timestamp)
    rpc.call("anvil_mine", 1)


def _try(
    rpc: Rpc, target: Deployable, profile: NetworkProfile, operation: str, args: list[Any], timestamp: int
) -> SmokeFailure | None:
    if not target.codec.has(operation):
        return SmokeFailure(operation, "the contract has no such function")
    try:
        data = target.codec.encode(operation, args)
    except ValueError as error:
        return SmokeFailure(operation, str(error))
    operator, before = role_account("operator"), _state(rpc, target)
    tip = max(10**9, profile.min_tip_wei)
    raw, tx_hash = sign_transaction(
        operator,
        chain_id=profile.chain_id,
        nonce=rpc.nonce(operator.address),
        to=target.address,
        data=data,
        gas=GAS,
        fees=Fees(4 * profile.initial_base_fee_wei + tip, tip),
    )
    rpc.send_raw(raw)
    _mine(rpc, timestamp)
    receipt = rpc.receipt(tx_hash)
    if receipt is None:
        return SmokeFailure(operation, "its transaction was not mined")
    if receipt["status"] != "0x1":
        return _reverted(rpc, target, operation, receipt, data)
    if not receipt["logs"] and _state(rpc, target) == before:
        return SmokeFailure(operation, "it changes nothing: it emits no event, and the state reads as before")
    logs = [found for log in receipt["logs"] if (found := target.codec.decode_log(log)) is not None]
    failed = next((log for log in logs if log.event == "TransactionFailed"), None)
    if failed is not None:
        return SmokeFailure(operation, f'it emits TransactionFailed("{failed.args.get("reason", "")}")')
    return None


def _state(rpc: Rpc, target: Deployable) -> str | None:
    """The transaction's state as the contract writes it; None where it does not say."""
    if not target.codec.has("get_transaction_state"):
        return None
    try:
        data = target.codec.encode("get_transaction_state", [TX_ID])
        return str(rpc.call("eth_call", {"to": target.address, "data": data}, "latest"))
    except (RpcFailure, ValueError):
        return None


def _reverted(rpc: Rpc, target: Deployable, operation: str, receipt: dict[str, Any], data: str) -> SmokeFailure:
    trace = rpc.call("debug_traceTransaction", receipt["transactionHash"], {"tracer": "callTracer"})
    reason = trace.get("revertReason") or decode_revert(trace.get("output"))
    why = f'it reverts with "{reason}"' if reason else f"it reverts without a reason ({trace.get('error', 'revert')})"
    if int(receipt["gasUsed"], 16) > TRACED_GAS_MAX:
        return SmokeFailure(operation, why)
    # Called again, for nothing has changed: a node that kept the steps of all transactions could need gigabytes.
    call = {"from": role_account("operator").address, "to": target.address, "data": data, "gas": hex(GAS)}
    options = {"disableStorage": True, "disableStack": True, "enableMemory": False}
    steps = rpc.call("debug_traceCall", call, "latest", options)
    counters = [int(step["pc"]) for step in steps.get("structLogs", ()) if step.get("depth") == 1]
    return SmokeFailure(operation, why, revert_line(target.contract, counters))
