"""The documented behaviour of a coordinator as a small model: what a call must do, so that answers can be compared.

It knows the optional parts that a contract has. Where the documentation leaves something open (which of several reasons
a refusal names, how large a number may be), it accepts every answer that the documentation allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lab.coordinator.reads import ZERO_ID
from lab.coordinator.refused import Forbidden, Refused
from lab.model.contract.batches import BATCHES, requests_of
from lab.model.contract.names import SecondRole

ZERO_ADDRESS = "0x" + "00" * 20
BREAKER_PERIOD_S = 3600
PAYLOAD_MAX = 512
WINDOW_MIN, WINDOW_MAX = 5, 300
# Beyond these a contract may refuse a number: no documented use needs it.
TIMESTAMP_SURE = EXECUTION_WINDOW_SURE = 2**40 - 1
THRESHOLD_SURE = 2**32 - 1
ENDINGS = frozenset({"mark_failed", "expire_transaction"})
MAY_FAIL = ENDINGS | {"resolve_dependency", "resolve_batch"}
LATE = frozenset({"BUFFERED", "EXPIRED"})
SINGLE_ID = ("resolve_dependency", "mark_executed", "mark_failed", "expire_transaction")


@dataclass
class Entry:
    """One transaction."""

    origin: str
    target: str
    payload: str
    dependency: str
    timestamp: int
    state: str = "BUFFERED"


@dataclass
class Behaviour:
    """One contract. `call` changes it as the contract must change, or raises Refused and leaves it as it was.

    With `reference` off it leaves open what the documentation does: what a breaker counts, and how what is late ends.
    `learn` then takes that from the contract. `binds` says whether a reason has to be given as it stands here, for a
    function.
    """

    owner: str
    operators: set[str]
    window: int
    breaker: bool
    expiry: bool
    threshold: int = 25
    execution_window: int = 0
    pending_owner: str = ZERO_ADDRESS
    paused: bool = False
    failures: int = 0
    period_start: int = 0
    count: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)
    reference: bool = True
    binds: Callable[[str, str], bool] = lambda reason, function: True
    second_roles: Mapping[str, SecondRole] = field(default_factory=dict)
    holders: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """After the set-up whoever is an operator holds all roles, and so does the owner."""
        self.holders = self.holders or {name: {self.owner, *self.operators} for name in self.second_roles}

    def learn(self, function: str, now: int, *, paused: bool, states: Mapping[str, str]) -> None:
        """After a successful call of a contract that is not the reference: what it decided for itself.

        It may stop itself where something can fail, and end what is late as EXPIRED or leave it BUFFERED.
        """
        if self.reference:
            return
        self.paused = self.paused or (paused and function in MAY_FAIL)
        for tx_id, state in states.items():
            entry = self.entries.get(tx_id)
            late = entry is not None and now > entry.timestamp + self.window and {entry.state, state} <= LATE
            if entry is not None and (late or (function in ENDINGS and state == "EXPIRED")):
                entry.state = state

    def may(self, function: str, args: Sequence[Any], sender: str, now: int) -> bool:
        """Whether an operator function is open to an account. What is late anybody may end: only time decides."""
        role = next((name for name, second in self.second_roles.items() if function in second.functions), None)
        if sender in (self.operators if role is None else self.holders[role]):
            return True
        entry = self.entries.get(args[0]) if function == "expire_transaction" and not self.reference else None
        return entry is not None and self._is_late(entry, now)

    def is_met(self, dependency: str) -> bool:
        """Whether a dependency is none, READY or EXECUTED."""
        parent = self.entries.get(dependency)
        return dependency == ZERO_ID or (parent is not None and parent.state in ("READY", "EXECUTED"))

    def call(self, function: str, args: Sequence[Any], sender: str, now: int) -> list[tuple[str, str]]:
        """The events of a successful call as (name, detail). Raises Refused, KeyError for an unknown function."""
        self.events = []
        operations: dict[str, Callable[..., None]] = {
            "buffer_transaction": self._buffer,
            "resolve_dependency": self._resolve,
            "mark_executed": self._execute,
            "mark_failed": self._mark_failed,
            "expire_transaction": self._expire,
        }
        if any(len(request[3]) // 2 - 1 > PAYLOAD_MAX for request in requests_of(function, args)):
            raise Refused  # a decoder that takes no such payload comes before any rule, and gives no reason
        if BATCHES.get(function, function) in operations:
            reasons = [] if self.may(function, args, sender, now) else ["Not authorized"]
            if reasons and function == "expire_transaction" and not self.reference:
                reasons.append("Transaction not expired")
            reasons += ["Coordinator is paused"] if self.paused else []
            if reasons:
                raise Forbidden(*reasons)
            if function in BATCHES:
                calls = args[0] if function == "buffer_batch" else [(tx_id,) for tx_id in args[0]]
                self._batch(operations[BATCHES[function]], now, calls)
            else:
                operations[function](now, *args)
        else:
            self._administer(function, args, sender)
        return self.events

    def _buffer(self, now: int, *request: Any) -> None:
        tx_id, origin, target, payload, dependency, timestamp = request
        checks = {
            "Invalid transaction ID": tx_id == ZERO_ID,
            "Invalid origin rollup": origin == ZERO_ADDRESS,
            "Invalid target rollup": target == ZERO_ADDRESS,
            "Origin and target must be different": origin == target,
            "Timestamp cannot be in the past": timestamp < now,
            "Transaction already exists": tx_id in self.entries,
        }
        wrong = [reason for reason, holds in checks.items() if holds]
        if wrong:
            raise Refused(*wrong)
        self.entries[tx_id] = Entry(origin, target, payload, dependency, timestamp)
        self.count += 1
        self.events.append(("TransactionBuffered", tx_id))

    def _batch(self, single: Callable[..., None], now: int, calls: Iterable[Sequence[Any]]) -> None:
        """All of them, up to one that stops the contract, or none where one is refused."""
        before = {tx_id: replace(entry) for tx_id, entry in self.entries.items()}
        counters = self.count, self.failures, self.period_start
        try:
            for call in calls:
                single(now, *call)
                if self.paused:
                    return
        except Refused:
            self.entries, (self.count, self.failures, self.period_start) = before, counters
            raise

    def _resolve(self, now: int, tx_id: str) -> None:
        entry = self.entries.get(tx_id)
        if entry is None or entry.state != "BUFFERED":
            raise Refused("Transaction not in buffered state")
        if now > entry.timestamp + self.window:
            self._fail(now, tx_id, "Transaction expired")
        elif now < entry.timestamp or not self.is_met(entry.dependency):
            self.events.append(("TransactionFailed", "Dependencies not satisfied"))
        else:
            entry.state = "READY"
            self.events.append(("TransactionReady", tx_id))

    def _execute(self, now: int, tx_id: str) -> None:
        entry = self.entries.get(tx_id)
        if entry is None or entry.state != "READY":
            raise Refused("Transaction not ready")
        if self.past_deadline(entry, now):
            raise Refused("Execution deadline passed")
        entry.state = "EXECUTED"

    def _mark_failed(self, now: int, tx_id: str) -> None:
        if self.entries.get(tx_id) is None or self.entries[tx_id].state != "READY":
            raise Refused("Transaction not ready")
        self._fail(now, tx_id, "Execution failed")

    def _expire(self, now: int, tx_id: str) -> None:
        entry = self.entries.get(tx_id)
        if entry is None or not self._is_late(entry, now):
            raise Refused("Transaction not expired")
        self._fail(now, tx_id, "Transaction expired")

    def _is_late(self, entry: Entry, now: int) -> bool:
        if entry.state == "BUFFERED":
            return now > entry.timestamp + self.window
        return entry.state == "READY" and self.past_deadline(entry, now)

    def past_deadline(self, entry: Entry, now: int) -> bool:
        """Whether what is READY can be executed no more."""
        return self.execution_window > 0 and now > entry.timestamp + self.window + self.execution_window

    def _fail(self, now: int, tx_id: str, reason: str) -> None:
        if self.expiry:
            self.entries[tx_id].state = "EXPIRED"
        self.events.append(("TransactionFailed", reason))
        if not self.breaker or not self.reference:
            return
        if now >= self.period_start + BREAKER_PERIOD_S:
            self.period_start, self.failures = now, 0
        self.failures += 1
        if self.threshold and self.failures >= self.threshold:
            self.paused = True
            self.events.append(("EmergencyStop", "Failure threshold reached"))

    def may_overflow(self, function: str, args: Sequence[Any]) -> bool:
        """Whether a time in such a call lies beyond all numbers, so that checked arithmetic may refuse to go on."""
        several = function in ("resolve_batch", "execute_batch")
        ids = args[0] if several else args[:1] if function in SINGLE_ID else ()
        ends = [self.entries[tx_id].timestamp for tx_id in ids if tx_id in self.entries]
        return any(end + self.window + self.execution_window >= 2**256 for end in ends)

    def view(self, name: str, now: int) -> Any:
        """What a getter of one value must return."""
        values = {
            "owner": self.owner,
            "pending_owner": self.pending_owner,
            "paused": self.paused,
            "transaction_count": self.count,
            "coordination_window": self.window,
            "execution_window": self.execution_window,
            "breaker_threshold": self.threshold,
            "failure_count": 0 if now >= self.period_start + BREAKER_PERIOD_S else self.failures,
        }
        return values[name]

    def _administer(self, function: str, args: Sequence[Any], sender: str) -> None:
        if function == "accept_ownership":
            if sender != self.pending_owner:
                raise Forbidden("Only pending owner can accept")
            self.owner, self.pending_owner = sender, ZERO_ADDRESS
            self.events.append(("OwnershipTransferred", sender))
            return
        if sender != self.owner:
            raise Forbidden("Only owner")
        verb, _, role = function.partition("_")
        if role in self.holders:
            {"add": self.holders[role].add, "remove": self.holders[role].discard}[verb](*args)
            return
        operations: dict[str, Callable[..., None]] = {
            "add_operator": self._add_operator,
            "remove_operator": self._remove_operator,
            "set_coordination_window": self._set_window,
            "set_execution_window": self._set_execution_window,
            "set_breaker_threshold": self._set_threshold,
            "propose_owner": self._propose_owner,
            "pause": self._pause,
            "unpause": self._unpause,
        }
        operations[function](*args)

    def _add_operator(self, account: str) -> None:
        self.operators.add(account)
        self.events.append(("OperatorAdded", account))

    def _remove_operator(self, account: str) -> None:
        self.operators.discard(account)
        self.events.append(("OperatorRemoved", account))

    def _set_window(self, seconds: int) -> None:
        if not WINDOW_MIN <= seconds <= WINDOW_MAX:
            raise Refused("Window must be between 5 and 300 seconds")
        self.window = seconds
        self.events.append(("CoordinationWindowSet", str(seconds)))

    def _set_execution_window(self, seconds: int) -> None:
        self.execution_window = seconds
        self.events.append(("ExecutionWindowSet", str(seconds)))

    def _set_threshold(self, threshold: int) -> None:
        self.threshold = threshold
        self.events.append(("BreakerThresholdSet", str(threshold)))

    def _propose_owner(self, account: str) -> None:
        self.pending_owner = account
        self.events.append(("OwnershipProposed", account))

    def _pause(self) -> None:
        if self.paused:
            raise Refused("Coordinator is paused")
        self.paused = True
        self.events.append(("EmergencyStop", "Paused by owner"))

    def _unpause(self) -> None:
        if not self.paused:
            raise Refused("Coordinator is not paused")
        self.paused, self.failures, self.period_start = False, 0, 0
        self.events.append(("EmergencyStopLifted", self.owner))
