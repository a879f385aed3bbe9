"""What a coordinator's canonical blocks did, step by step: each call together with the events that it emitted.

Checks, metrics and reports all need to know which call an event belongs to; this is the one place that pairs them.
Who was allowed to call, and whether the step was right, is left to the checks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lab.model.history import History, kept_with_history
from lab.model.records import Block, Call, Log, Tx

# The events by which a successful call shows. A documented contract has none for its admin functions.
EVENTS: dict[str, tuple[str, ...]] = {
    "buffer_transaction": ("TransactionBuffered",),
    "resolve_dependency": ("TransactionReady", "TransactionFailed"),
    "expire_transaction": ("TransactionFailed",),
    "mark_failed": ("TransactionFailed",),
    "mark_executed": (),
    "add_operator": ("OperatorAdded",),
    "remove_operator": ("OperatorRemoved",),
    "set_coordination_window": ("CoordinationWindowSet",),
    "set_execution_window": ("ExecutionWindowSet",),
    "set_breaker_threshold": ("BreakerThresholdSet",),
    "pause": ("EmergencyStop",),
    "unpause": ("EmergencyStopLifted",),
    "reset_breaker": ("EmergencyStopLifted",),
    "propose_owner": ("OwnershipProposed",),
    "accept_ownership": ("OwnershipTransferred",),
}
STOP = "EmergencyStop"
KNOWN_EVENTS = frozenset(event for events in EVENTS.values() for event in events)
OPERATOR_FUNCTIONS = frozenset(
    {"buffer_transaction", "resolve_dependency", "mark_executed", "expire_transaction", "mark_failed"}
)
PENDING_OWNER_FUNCTIONS = frozenset({"accept_ownership"})
OWNER_FUNCTIONS = frozenset(EVENTS) - OPERATOR_FUNCTIONS - PENDING_OWNER_FUNCTIONS
STATE_CHANGING = frozenset(EVENTS)


@dataclass(frozen=True, slots=True)
class Step:
    """One call with its events, or an event that no call explains (`call` None).

    `skipped`: a call inside a batch that ended early because it tripped the breaker; it changed nothing.
    """

    chain: str
    block: Block
    tx: Tx
    order: tuple[int, int, int]
    call: Call | None
    ok: bool
    logs: tuple[Log, ...] = ()
    skipped: bool = False

    @property
    def function(self) -> str | None:
        """The documented name of the function called."""
        return self.call.function if self.call else None

    @property
    def tx_id(self) -> str | None:
        """The transaction that the step is about, if it is about one."""
        for log in self.logs:
            if "tx_id" in log.args:
                return str(log.args["tx_id"])
        if self.call is not None and self.call.function in OPERATOR_FUNCTIONS:
            return argument(self.call, "tx_id")
        return None

    def log(self, event: str) -> Log | None:
        return next((log for log in self.logs if log.event == event), None)


def argument(call: Call, name: str) -> str | None:
    """A call's argument by its documented name; the only one of a function that has but one, whatever its name."""
    value = call.args.get(name)
    if value is None and len(call.args) == 1:
        value = next(iter(call.args.values()))
    return None if value is None else str(value)


def blind(tx: Tx) -> bool:
    """True if the transaction may have called the coordinator in ways that the history does not show."""
    hidden = tx.trace_error is not None or bool(tx.logs)
    return tx.status == 1 and tx.to is not None and not tx.traced and not tx.calls and hidden


@kept_with_history
def steps(history: History, chain: str) -> tuple[Step, ...]:
    """Every step on the canonical chain, in order of execution; calls that failed have no events."""
    return tuple(
        Step(chain, block, tx, (block.number, tx.index, place), call, ok, logs, skipped)
        for block, tx in history.transactions(chain)
        for place, (call, ok, logs, skipped) in enumerate(_pair(tx))
    )


def with_callers(given: Iterable[Step]) -> list[Step]:
    """An event that no call explains was emitted by the call before it in its transaction, or else by the first."""
    calls: dict[str, Call] = {}
    given = list(given)
    for step in reversed(given):
        if step.call is not None:
            calls[step.tx.hash] = step.call
    whole: list[Step] = []
    for step in given:
        call = step.call or calls.get(step.tx.hash)
        if call is not None:
            calls[step.tx.hash] = call
        whole.append(replace(step, call=call))
    return whole


def _pair(tx: Tx) -> list[tuple[Call | None, bool, tuple[Log, ...], bool]]:
    logs = [log for log in sorted(tx.logs, key=lambda log: log.index) if log.event in KNOWN_EVENTS]
    paired: list[tuple[Call | None, bool, tuple[Log, ...], bool]] = []
    position, stopped = 0, False
    for call in tx.calls:
        if not call.ok or tx.status == 0:
            paired.append((call, False, (), False))
            continue
        own = next((i for i in range(position, len(logs)) if _belongs(call, logs[i])), None)
        if own is None:
            paired.append((call, True, (), stopped and call.function == "resolve_dependency"))
            continue
        first, end = _with_stop(logs, position, own)
        paired.extend((None, True, (log,), False) for log in logs[position:first])
        taken, position = logs[first:end], end
        stopped = stopped or len(taken) > 1
        paired.append((call, True, tuple(taken), False))
    paired.extend((None, True, (log,), False) for log in logs[position:])
    return paired


def _with_stop(logs: list[Log], position: int, own: int) -> tuple[int, int]:
    """From where to where the events of a call go: what trips the breaker tells of the stop, on either side.

    That is a failure, or a threshold below what is counted. A stop between two failures belongs to the second: a batch
    ends where it stops the contract.
    """
    if logs[own].event not in ("TransactionFailed", "BreakerThresholdSet"):
        return own, own + 1
    events = [log.event for log in logs[own + 1 : own + 3]]
    first = own - 1 if own > position and logs[own - 1].event == STOP else own
    behind = events[:1] == [STOP] and events[1:] != ["TransactionFailed"]
    return first, own + 1 + behind


def _belongs(call: Call, log: Log) -> bool:
    if log.event not in EVENTS.get(call.function, ()):
        return False
    return "tx_id" not in log.args or log.args["tx_id"] == argument(call, "tx_id")
