"""Tries a deployment in real time: one transaction buffered, resolved and executed, one that expires, all their events.

An account that is operator sends them, and has a journal of its own, which says what was sent. A run that was ended is
not gone on with: its times are over. `read_only` sends nothing: getters, the code, and calls that are simulated.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lab.coordinator import Reader, rollup_address
from lab.coordinator.behaviour import LATE
from lab.coordinator.outputs.reverts import decode_revert
from lab.deploy.numbering import numbering_of
from lab.errors import DeadlineExceeded, DeployFailure, LabError, UsageError
from lab.live.declaration.deployment_file import Target
from lab.live.execution.transactions import Done, Sender
from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import Header, Journal, open_journal
from lab.live.journaling.side_by_side import side_by_side
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.steps import DEPLOY, Step
from lab.live.signers import Signer, SignerFailure
from lab.model.live_evidence import UNKNOWN, is_unknown
from lab.rpc import Rpc, RpcFailure, RpcRefused

OK = "ok"
ZERO_ID = "0x" + "00" * 32
# Until the timestamp of a transaction that was just sent: blocks that it may take, and seconds beside them.
AHEAD_BLOCKS, AHEAD_S = 4, 15
STRANGER = "0x00000000000000000000000000000000005715a6"


@dataclass(frozen=True, slots=True)
class SmokeResult:
    """One network: part of the run -> ok, or what happened instead."""

    network: str
    parts: dict[str, str]

    @property
    def succeeded(self) -> bool:
        """Whether every part went as documented."""
        return bool(self.parts) and all(outcome == OK for outcome in self.parts.values())

    @property
    def undecided(self) -> bool:
        """Whether nothing went wrong but what could not be tried."""
        bad = [outcome for outcome in self.parts.values() if outcome != OK]
        return bool(bad) and all(map(is_unknown, bad))


def smoke_all(work: Undertaking, targets: Sequence[Target], operator: Signer, waiting: Waiting) -> list[SmokeResult]:
    """One result for each network, in order; they are tried at once."""
    if not targets:
        return []
    header = Header(contract=work.contract.bytecode_sha256, deployer=operator.address.lower())
    journal = open_journal(smoke_journal(work.deployment.path), header, work.deployment.chains)
    return side_by_side([partial(_smoke, work, journal, target, operator, waiting) for target in targets])


def _smoke(work: Undertaking, journal: Journal, target: Target, operator: Signer, waiting: Waiting) -> SmokeResult:
    """The contract's address is in the journal of `work`; what `operator` signs goes into the other one."""
    parts: dict[str, str] = {}
    try:
        entry = work.journal.last(target.name, DEPLOY, "final")
        if entry is None or entry.address is None:
            raise DeployFailure("nothing is deployed there yet, as far as the journal knows")
        _Trial(replace(work, journal=journal), target, entry.address, operator, waiting, parts).run()
    except LabError as error:
        parts[_next(parts)] = _outcome(error)
    return SmokeResult(target.name, parts)


def _outcome(error: LabError | ValueError) -> str:
    """What did not go as documented, or why that is unknown: no operator, no endpoint, no signature, no time."""
    reasons = (UsageError, RpcFailure, SignerFailure, DeadlineExceeded)
    untried = isinstance(error, reasons) and not isinstance(error, RpcRefused)
    return f"{UNKNOWN}{error}" if untried else str(error)


def smoke_journal(deployment: Path) -> Path:
    """Beside the deployment file."""
    return deployment.with_name(f"{deployment.stem}.smoke.jsonl")


def smoke_read_only(work: Undertaking, target: Target, address: str) -> SmokeResult:
    """Sends nothing, and so proves less: what the contract says, and what a call would do."""
    rpc, codec, parts = work.connect(target).rpc, work.codec, dict[str, str]()
    operator = target.operators[0]
    try:
        reader = Reader(rpc, codec, address, numbering_of(rpc, codec, address, operator))
        for getter in ("owner", "coordination_window", "transaction_count"):
            if codec.has(getter):
                reader.get(getter)
        parts["getters"] = OK
        head = rpc.block("latest") or {}
        due = int(head["timestamp"], 16) + 3600
        data = codec.encode("buffer_transaction", _request(target, "0x" + secrets.token_hex(32), due))
        parts["an operator may buffer"] = _simulated(rpc, operator, address, data) or OK
        refused = _simulated(rpc, STRANGER, address, data)
        parts["a stranger may not"] = OK if refused else "expected a revert, the call would succeed"
    except (LabError, ValueError) as error:
        parts[f"read-only part {len(parts) + 1}"] = _outcome(error)
    return SmokeResult(target.name, parts)


def _simulated(rpc: Rpc, sender: str, to: str, data: str) -> str | None:
    """The reason of a revert; None for success."""
    try:
        rpc.call("eth_call", {"from": sender, "to": to, "data": data}, "latest")
    except RpcRefused as refused:
        return decode_revert(refused.data) or refused.reason
    return None


def _request(target: Target, tx_id: str, timestamp: int) -> list[Any]:
    return [tx_id, rollup_address(target.name), rollup_address("elsewhere"), b"smoke", ZERO_ID, timestamp]


PARTS = ("buffered", "ready", "executed", "buffered again", "expired")


def _next(parts: dict[str, str]) -> str:
    return next((part for part in PARTS if part not in parts), PARTS[-1])


class _Trial:
    """One network's smoke run."""

    def __init__(
        self,
        work: Undertaking,
        target: Target,
        address: str,
        operator: Signer,
        waiting: Waiting,
        parts: dict[str, str],
    ) -> None:
        self._target, self._codec, self._waiting, self._parts = target, work.codec, waiting, parts
        self._address, self._rpc = address, work.connect(target).rpc
        # A window does not wait for finality: these count once they are in a block.
        self._sender = Sender(work, target, self._rpc, operator, replace(waiting, final=False))
        numbering = numbering_of(self._rpc, self._codec, address, operator.address)
        self._reader = Reader(self._rpc, self._codec, address, numbering)
        self._run = secrets.token_hex(4)

    def run(self) -> None:
        """Raises LabError at the first part that does not go as documented; the ones before it are noted."""
        if not self._reader.get("authorized_operators", self._sender.address):
            said = f"{self._target.name}: expected {self._sender.address} to be an operator, it is none"
            if self._sender.address.lower() in self._target.operators:
                raise DeployFailure(said)
            raise UsageError(f"{said}, nor declared as one: name the signer of an operator (operator: in the file)")
        window = int(self._reader.get("coordination_window"))
        first = "0x" + secrets.token_hex(32)
        due = self._buffer("buffered", first)
        self._wait_for(due)
        self._resolve(first, due + window)
        done = self._call("executed", "mark_executed", first, before="READY")
        self._require("executed", done, None, first, {"EXECUTED"})
        second = "0x" + secrets.token_hex(32)
        due = self._buffer("buffered again", second)
        self._wait_for(due + window + 1)
        done = self._call("expired", "resolve_dependency", second, before="BUFFERED")
        # A contract without a state for it leaves it as it is.
        self._require("expired", done, "TransactionFailed", second, LATE)

    def _buffer(self, part: str, tx_id: str) -> int:
        head = int((self._rpc.block("latest") or {})["timestamp"], 16)
        due = head + AHEAD_S + AHEAD_BLOCKS * self._target.profile.block_time_ms // 1000
        data = self._codec.encode("buffer_transaction", _request(self._target, tx_id, due))
        done = self._sender.carry_out(Step(f"{self._run} {part} {tx_id[:10]}", data), self._address)
        self._require(part, done, "TransactionBuffered", tx_id, {"BUFFERED"})
        return due

    def _resolve(self, tx_id: str, closes: int) -> None:
        """Within the window, which ends at `closes` (unix seconds). Raises DeadlineExceeded for a block after it."""
        done = self._call("ready", "resolve_dependency", tx_id, before="BUFFERED")
        block = self._rpc.block(int(done.receipt["blockNumber"], 16)) or {}
        at = int(block.get("timestamp", "0x0"), 16)
        if at > closes and "TransactionFailed" in [name for name, _ in self._logs(done)]:
            raise DeadlineExceeded(
                f"expected the call in a block before the window ended, it came {at - closes} s after that, and the "
                "contract says so: run it again when the network is less busy"
            )
        self._require("ready", done, "TransactionReady", tx_id, {"READY"})

    def _call(self, part: str, function: str, tx_id: str, *, before: str) -> Done:
        """Raises UsageError where somebody else moved the transaction on from the state that it was in `before`."""
        data = self._codec.encode(function, [tx_id])
        try:
            return self._sender.carry_out(Step(f"{self._run} {part} {tx_id[:10]}", data), self._address)
        except DeployFailure as failure:
            if (there := self._reader.state(tx_id)) == before:
                raise
            raise UsageError(
                f"expected to move {tx_id[:10]} on from {before} by {function}, it is {there} already: another account "
                "did it, as a relayer at work does: stop it for the smoke run"
            ) from failure

    def _require(self, part: str, done: Done, event: str | None, tx_id: str, states: AbstractSet[str]) -> None:
        """By the block of the call: what others do after it, and endpoints that lag behind it, do not matter."""
        names = [name for name, given in self._logs(done) if str(given.get("tx_id", tx_id)).lower() == tx_id]
        if event is not None and event not in names:
            raise DeployFailure(f"expected the event {event}, got {', '.join(names) or 'none'}")
        self._sender.caught_up()
        there = self._reader.state(tx_id, block=int(done.receipt["blockNumber"], 16))
        if there not in states:
            raise DeployFailure(f"expected the state {' or '.join(sorted(states))}, got {there}")
        self._parts[part] = OK

    def _logs(self, done: Done) -> list[tuple[str, dict[str, Any]]]:
        decoded = [self._codec.decode_log(log) for log in done.receipt.get("logs", [])]
        return [(log.event, dict(log.args)) for log in decoded if log is not None]

    def _wait_for(self, timestamp: int) -> None:
        """Until the chain's own time has come."""
        self._waiting.until(
            timestamp,
            self._time,
            lambda time: (
                f"expected a block of time {timestamp} within {self._waiting.deadline_s:g} s, the chain is at {time}: "
                "run it again once it goes on"
            ),
        )

    def _time(self) -> int:
        return int((self._rpc.block("latest") or {"timestamp": "0x0"})["timestamp"], 16)
