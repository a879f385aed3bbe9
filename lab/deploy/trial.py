"""Single operations on a fresh chain: whether one succeeds, and if not, why, at which line, and what it lacked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lab.coordinator import Fees, role_account, sign_transaction
from lab.deploy.deployer import Deployable
from lab.deploy.vyper.source_lines import SourceLine, revert_line
from lab.networks.profile import NetworkProfile
from lab.rpc import Rpc, RpcFailure

GAS = 1_500_000
# A step of an execution takes three gas or more and 400 bytes here: a longer one is not traced for its last line.
TRACED_GAS_MAX = 300_000
ONE_ETHER = 10**18
# A token's functions, in a source and as selectors: transferFrom, transfer, balanceOf, allowance.
TOKEN_WORDS = re.compile(r"\b(I?ERC20|transferFrom|allowance)\b")
TOKEN_SELECTORS = ("0x23b872dd", "0xa9059cbb", "0x70a08231", "0xdd62ed3e")


@dataclass(frozen=True, slots=True)
class SmokeFailure:
    """The first operation that did not succeed. `line` is the source line that refused it, where one is known.

    `needs` is what the lab does not have to give: ether with a call, or tokens.
    """

    operation: str
    reason: str
    line: SourceLine | None = None
    needs: Literal["ether", "tokens"] | None = None

    def __str__(self) -> str:
        at = f" at {self.line.place}" if self.line else ""
        return f"{self.operation} never succeeds: {self.reason}{at}"


@dataclass
class Trial:
    """A chain with the contract. `now` is the timestamp of its head, `number` counts the blocks that were mined."""

    rpc: Rpc
    target: Deployable
    profile: NetworkProfile
    now: int
    number: int = 0

    def mine(self, timestamp: int) -> None:
        """One block; the pool goes into it."""
        self.rpc.call("evm_setNextBlockTimestamp", timestamp)
        self.rpc.call("anvil_mine", 1)
        self.now, self.number = timestamp, self.number + 1

    def window_s(self, default: int) -> int:
        """The coordination window in force."""
        codec = self.target.codec
        try:
            answer = self.rpc.eth_call(self.target.address, codec.encode("coordination_window", []))
            return int(codec.decode_result("coordination_window", answer)[0])
        except (RpcFailure, ValueError, KeyError):
            return default

    def attempt(self, operation: str, args: list[Any], timestamp: int, *, explain: bool = True) -> SmokeFailure | None:
        """One transaction by the operator in a block of this time; why it failed, at length with `explain`."""
        target = self.target
        data, before = target.codec.encode(operation, args), self._state(args[0])
        receipt = self.send("operator", data, timestamp)
        if receipt is None:
            return SmokeFailure(operation, "its transaction was not mined")
        if receipt["status"] != "0x1":
            return self._reverted(operation, receipt, data) if explain else SmokeFailure(operation, "it reverts")
        if not receipt["logs"] and self._state(args[0]) == before:
            return SmokeFailure(operation, "it changes nothing: it emits no event, and the state reads as before")
        logs = [log for entry in receipt["logs"] if (log := target.codec.decode_log(entry)) is not None]
        failed = next((log for log in logs if log.event == "TransactionFailed"), None)
        if failed is not None:
            return SmokeFailure(operation, f'it emits TransactionFailed("{failed.args.get("reason", "")}")')
        return None

    def send(self, role: str, data: str, timestamp: int) -> dict[str, Any] | None:
        """The receipt of one call in a block of this time; None where it was not mined."""
        return self.send_all(role, [data], timestamp)[0]

    def send_all(self, role: str, calls: Sequence[str], timestamp: int) -> list[dict[str, Any] | None]:
        """The receipts of calls in one block of this time, in their order; None for one that was not mined."""
        rpc, account, tip = self.rpc, role_account(role), max(10**9, self.profile.min_tip_wei)
        hashes = []
        for nonce, data in enumerate(calls, rpc.nonce(account.address)):
            raw, tx_hash = sign_transaction(
                account,
                chain_id=self.profile.chain_id,
                nonce=nonce,
                to=self.target.address,
                data=data,
                gas=GAS,
                fees=Fees(4 * self.profile.initial_base_fee_wei + tip, tip),
            )
            rpc.send_raw(raw)
            hashes.append(tx_hash)
        self.mine(timestamp)
        return [rpc.receipt(tx_hash) for tx_hash in hashes]

    def why(self, receipt: Mapping[str, Any]) -> str:
        """How a transaction reverted, in the contract's words."""
        trace = self.rpc.call("debug_traceTransaction", receipt["transactionHash"], {"tracer": "callTracer"})
        return self._words(trace)

    def _words(self, trace: Mapping[str, Any]) -> str:
        reason = self.target.codec.reasons.given(trace)
        return (
            f'it reverts with "{reason}"' if reason else f"it reverts without a reason ({trace.get('error', 'revert')})"
        )

    def _state(self, tx_id: str) -> str | None:
        """The transaction's state as the contract writes it; None where it does not say."""
        if not self.target.codec.has("get_transaction_state"):
            return None
        try:
            data = self.target.codec.encode("get_transaction_state", [tx_id])
            return str(self.rpc.call("eth_call", {"to": self.target.address, "data": data}, "latest"))
        except (RpcFailure, ValueError):
            return None

    def _reverted(self, operation: str, receipt: dict[str, Any], data: str) -> SmokeFailure:
        rpc, target = self.rpc, self.target
        trace = rpc.call("debug_traceTransaction", receipt["transactionHash"], {"tracer": "callTracer"})
        why = self._words(trace)
        tokens = any(str(frame.get("input", ""))[:10] in TOKEN_SELECTORS for frame in _inner(trace))
        if int(receipt["gasUsed"], 16) > TRACED_GAS_MAX:
            return SmokeFailure(operation, why, needs="tokens" if tokens else None)
        # Called again, for nothing has changed: a node that kept the steps of all transactions could need gigabytes.
        call = {"from": role_account("operator").address, "to": target.address, "data": data, "gas": hex(GAS)}
        options = {"disableStorage": True, "disableStack": True, "enableMemory": False}
        steps = rpc.call("debug_traceCall", call, "latest", options)
        counters = [int(step["pc"]) for step in steps.get("structLogs", ()) if step.get("depth") == 1]
        line = revert_line(target.contract, counters)
        if target.codec.functions[operation].get("stateMutability") == "payable" and self._paid(call):
            return SmokeFailure(operation, f"{why}, and succeeds with ether", line, "ether")
        tokens = tokens or (line is not None and TOKEN_WORDS.search(line.text) is not None)
        return SmokeFailure(operation, why, line, "tokens" if tokens else None)

    def _paid(self, call: dict[str, str]) -> bool:
        """Whether the same call succeeds with one ether."""
        try:
            self.rpc.call("eth_call", call | {"value": hex(ONE_ETHER)}, "latest")
        except RpcFailure:
            return False
        return True


def _inner(frame: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The calls inside of a traced call."""
    for call in frame.get("calls", ()):
        yield call
        yield from _inner(call)
