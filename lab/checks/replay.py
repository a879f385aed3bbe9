"""Replays one chain: what the coordinator must hold after each step, had it done what its events and calls say.

The replay judges nothing: it records moves of a transaction's state and the settings that each step met.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lab.model.chain.facts import CoreState
from lab.model.effects import Step, argument, blind, steps
from lab.model.history import History, kept_with_history
from lab.model.record_parts.contract_read import ContractRead
from lab.model.records import Block, Tx

BREAKER_PERIOD_S = 3600
EXPIRED_REASON = "Transaction expired"
FAILED_REASON = "Execution failed"


@dataclass(frozen=True, slots=True)
class Settings:
    """Roles and controls at one moment. `threshold` None: not known before the first time it is set.

    `holders` of second roles, which some operator functions ask for in place of the operator's.
    """

    owner: str | None
    pending_owner: str | None
    operators: frozenset[str]
    window_s: int
    paused: bool = False
    threshold: int | None = None
    holders: tuple[tuple[str, frozenset[str]], ...] = ()

    def may_operate(self, caller: str, role: str | None) -> bool:
        """Whether an account holds the second role of this name, or is an operator for None."""
        return caller in (self.operators if role is None else dict(self.holders)[role])


@dataclass(frozen=True, slots=True)
class ObservedStep:
    """A step with the settings that it met and those that it left."""

    step: Step
    before: Settings
    after: Settings


@dataclass(frozen=True, slots=True)
class Transition:
    """A transaction went from one state to another; `legal` or not is for S1 to say."""

    before: CoreState
    after: CoreState
    step: Step
    window_s: int


@dataclass
class Entry:
    """One transaction id on one chain."""

    tx_id: str
    state: CoreState = "EMPTY"
    moves: list[Transition] = field(default_factory=list)

    def into(self, state: CoreState) -> list[Transition]:
        """The moves that entered a state, in order."""
        return [move for move in self.moves if move.after == state]

    def first(self, *states: CoreState) -> Transition | None:
        """The first move into any of the states."""
        return next((move for move in self.moves if move.after in states), None)


@dataclass
class ChainReplay:
    """One chain replayed. `end` is what the coordinator must hold at the end.

    `role_of` names the second role that a function asks for, `period_s` the breaker's period in seconds.
    """

    chain: str
    end: Settings
    seen: list[ObservedStep] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    blind: list[tuple[Block, Tx]] = field(default_factory=list)
    buffered_events: int = 0
    period_s: int = BREAKER_PERIOD_S
    role_of: dict[str, str] = field(default_factory=dict)

    def entry(self, tx_id: str) -> Entry:
        """The transaction, EMPTY if nothing ever happened to it."""
        return self.entries.get(tx_id) or Entry(tx_id)

    def window_of(self, tx_id: str) -> int:
        """The window that bounds a transaction, in seconds: the one that it expired in, else the last that it met.

        One that is set when a transaction is past it, and past the one before, changes nothing for that transaction.
        """
        entry = self.entry(tx_id)
        expired, buffered = entry.first("EXPIRED"), entry.first("BUFFERED")
        if expired is not None:
            return expired.window_s
        log = buffered.step.log("TransactionBuffered") if buffered is not None else None
        changes = [seen for seen in self.seen if seen.before.window_s != seen.after.window_s]
        if log is None or not changes:
            return self.end.window_s
        window_s = changes[0].before.window_s
        for seen in changes:
            late_s = seen.step.block.timestamp - int(log.args["timestamp"])
            if late_s <= max(window_s, seen.after.window_s):
                window_s = seen.after.window_s
        return window_s


@kept_with_history
def replay(history: History, chain: str, until: int | None = None) -> ChainReplay:
    """The canonical chain replayed, up to block `until`."""
    header = history.header
    final = history.final(chain)
    sets_threshold = any(
        step.ok and (step.function == "set_breaker_threshold" or step.log("BreakerThresholdSet"))
        for step in steps(history, chain)
    )
    start = Settings(
        owner=header.roles.get("owner"),
        pending_owner=None,
        operators=frozenset(header.operators.get(chain, ())),
        window_s=header.window_s,
        threshold=None if sets_threshold or final is None else final.breaker_threshold,
    )
    result = ChainReplay(chain, start)
    if (contract := history.contract(chain)) is not None:
        _particular(result, contract, sets_threshold)
    for step in steps(history, chain):
        if until is not None and step.block.number > until:
            break
        before = result.end
        if step.ok and not step.skipped:
            _move(result, step, history.expires)
            result.end = _hold(_control(before, step), step)
        result.seen.append(ObservedStep(step, before, result.end))
    result.blind = [(block, tx) for block, tx in history.transactions(chain) if blind(tx)]
    return result


def _particular(result: ChainReplay, contract: ContractRead, sets_threshold: bool) -> None:
    """Start from what was read right after the set-up."""
    start = result.end
    holders = frozenset({*contract.operators, *start.operators})
    threshold = contract.breaker_threshold if start.threshold is None and not sets_threshold else start.threshold
    result.end = replace(
        start,
        owner=contract.owner or start.owner,
        operators=frozenset(contract.operators),
        window_s=contract.window_s,
        threshold=threshold,
        holders=tuple((role, holders) for role in contract.second_roles),
    )
    result.role_of = {function: role for role, functions in contract.second_roles.items() for function in functions}
    result.period_s = contract.breaker_period_s or BREAKER_PERIOD_S


def _move(result: ChainReplay, step: Step, expires: bool) -> None:
    after: CoreState | None = None
    failed = step.log("TransactionFailed")
    if step.log("TransactionBuffered"):
        after = "BUFFERED"
        result.buffered_events += 1
    elif step.log("TransactionReady"):
        after = "READY"
    elif failed and expires and failed.args.get("reason") in (EXPIRED_REASON, FAILED_REASON):
        after = "EXPIRED"
    elif step.function == "mark_executed":
        after = "EXECUTED"
    if after is None or step.tx_id is None:
        return
    entry = result.entries.setdefault(step.tx_id, Entry(step.tx_id))
    entry.moves.append(Transition(entry.state, after, step, result.end.window_s))
    entry.state = after


def _value(step: Step, event: str, name: str, function: str) -> str | None:
    """What an admin step set: from its event, or from the call where the contract has no such event."""
    log = step.log(event)
    if log is not None and name in log.args:
        return str(log.args[name])
    if step.function == function and step.call is not None:
        return argument(step.call, name)
    return None


def _control(now: Settings, step: Step) -> Settings:
    if (added := _value(step, "OperatorAdded", "operator", "add_operator")) is not None:
        now = replace(now, operators=now.operators | {added})
    if (removed := _value(step, "OperatorRemoved", "operator", "remove_operator")) is not None:
        now = replace(now, operators=now.operators - {removed})
    if (window := _value(step, "CoordinationWindowSet", "window", "set_coordination_window")) is not None:
        now = replace(now, window_s=int(window))
    if (threshold := _value(step, "BreakerThresholdSet", "threshold", "set_breaker_threshold")) is not None:
        now = replace(now, threshold=int(threshold))
    if (pending := _value(step, "OwnershipProposed", "pending", "propose_owner")) is not None:
        now = replace(now, pending_owner=pending)
    transferred = step.log("OwnershipTransferred")
    if transferred is not None:
        now = replace(now, owner=str(transferred.args["current"]), pending_owner=None)
    elif step.function == "accept_ownership" and step.call is not None:
        now = replace(now, owner=step.call.caller, pending_owner=None)
    if step.log("EmergencyStop") or step.function == "pause":
        now = replace(now, paused=True)
    if lifts_stop(step):
        now = replace(now, paused=False)
    return now


def lifts_stop(step: Step) -> bool:
    """Whether the step, which succeeded, ended an emergency stop."""
    return step.log("EmergencyStopLifted") is not None or step.function in ("unpause", "reset_breaker")


def _hold(now: Settings, step: Step) -> Settings:
    """Second roles are given and taken by calls named after them; what their events are called nobody knows."""
    account = argument(step.call, "account") if now.holders and step.call is not None else None
    verb, _, role = (step.function or "").partition("_")
    if account is None or verb not in ("add", "remove"):
        return now
    changed = dict(now.holders)
    if role in changed:
        changed[role] = changed[role] | {account} if verb == "add" else changed[role] - {account}
    return replace(now, holders=tuple(changed.items()))
